import type { ApplicationLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import type { PartStack } from '../stacks/stack.ts';

interface Limits {
  name: string;
  /** Requests of one address in five minutes. */
  requestsMax: number;
  /** Counts what looks like an attack, for which it looks into bodies; it refuses none of it. */
  countsAttacks: boolean;
}

/**
 * Web application firewall before a public load balancer; gives its name in metrics. It refuses by address and by number
 * of requests alone. What attackers send to others stands in logs, and is what people search for: rules that look into
 * bodies and queries may only count, all of a group, as AWS adds to its groups.
 */
export function protectByWaf(
  stack: PartStack,
  balancer: ApplicationLoadBalancer,
  { name, requestsMax, countsAttacks }: Limits,
): string {
  const acl = `${stack.prefix}-${name}`;
  const seen = (metricName: string) => ({
    cloudWatchMetricsEnabled: true,
    sampledRequestsEnabled: false,
    metricName,
  });
  const managed = (group: string, overrideAction: { none: object } | { count: object }) => ({
    name: group,
    overrideAction,
    statement: { managedRuleGroupStatement: { vendorName: 'AWS', name: group } },
    visibilityConfig: seen(group),
  });
  const rules = [
    managed('AWSManagedRulesAmazonIpReputationList', { none: {} }),
    {
      name: 'rate',
      action: { block: {} },
      statement: { rateBasedStatement: { limit: requestsMax, aggregateKeyType: 'IP' } },
      visibilityConfig: seen('rate'),
    },
    ...(countsAttacks ? [managed('AWSManagedRulesKnownBadInputsRuleSet', { count: {} })] : []),
  ];
  const { attrArn } = new CfnWebACL(stack, 'Acl', {
    scope: 'REGIONAL',
    defaultAction: { allow: {} },
    visibilityConfig: seen(acl),
    rules: rules.map((rule, priority) => ({ ...rule, priority })),
  });
  new CfnWebACLAssociation(stack, 'AclHere', {
    resourceArn: balancer.loadBalancerArn,
    webAclArn: attrArn,
  });
  return acl;
}
