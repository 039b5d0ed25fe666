import type { ApplicationLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import type { PartStack } from '../stacks/stack.ts';

/**
 * Groups of rules that AWS keeps. Not the common one: it refuses bodies over 8 KB and words that stand in logs and
 * in searches for attacks, which is what people look for here.
 */
const managed = ['AWSManagedRulesAmazonIpReputationList', 'AWSManagedRulesKnownBadInputsRuleSet'];

/** Web application firewall before a public load balancer. */
export function protectByWaf(stack: PartStack, balancer: ApplicationLoadBalancer, requestsMax: number): void {
  const seen = (metricName: string) => ({
    cloudWatchMetricsEnabled: true,
    sampledRequestsEnabled: false,
    metricName,
  });
  const acl = new CfnWebACL(stack, 'Acl', {
    scope: 'REGIONAL',
    defaultAction: { allow: {} },
    visibilityConfig: seen(`${stack.prefix}-waf`),
    rules: [
      ...managed.map((name, priority) => ({
        name,
        priority,
        overrideAction: { none: {} },
        statement: { managedRuleGroupStatement: { vendorName: 'AWS', name } },
        visibilityConfig: seen(name),
      })),
      {
        name: 'rate',
        priority: managed.length,
        action: { block: {} },
        statement: { rateBasedStatement: { limit: requestsMax, aggregateKeyType: 'IP' } },
        visibilityConfig: seen('rate'),
      },
    ],
  });
  new CfnWebACLAssociation(stack, 'AclHere', {
    resourceArn: balancer.loadBalancerArn,
    webAclArn: acl.attrArn,
  });
}
