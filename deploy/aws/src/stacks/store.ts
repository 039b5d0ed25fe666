import { readFileSync } from 'node:fs';
import { CustomResource, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { ArnPrincipal, type IRole, Policy, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Code, Function as Lambda, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnDomain } from 'aws-cdk-lib/aws-opensearchservice';
import type { Construct } from 'constructs';
import { httpRequests } from '../service/rights.ts';
import type { Settings } from '../settings/schema.ts';
import { domainArn, domainLogs } from '../store/domain-names.ts';
import { domainRoles } from '../store/domain-roles.ts';
import type { AccessStack } from './access.ts';
import type { NetworkStack } from './network.ts';
import { PartStack } from './stack.ts';

/** A domain of Amazon OpenSearch Service over three zones, inside of the VPC. */
export class StoreStack extends PartStack {
  readonly domain: CfnDomain;
  readonly endpoint: string;
  readonly #network: NetworkStack;

  constructor(scope: Construct, settings: Settings, network: NetworkStack, access: AccessStack) {
    super(scope, 'Store', settings, 'search domain');
    this.#network = network;
    const { vpc } = network;
    const admin = access.storeAdmin;
    if (admin === undefined) throw new Error('a domain without a role that administers it');
    const group = new SecurityGroup(this, 'Group', {
      vpc,
      description: 'Search domain',
      allowAllOutbound: false,
    });
    group.addIngressRule(Peer.ipv4(settings.network.cidr), Port.tcp(443), 'HTTPS from the VPC');
    const names = [access.consumer, access.searchApi, access.ledger, admin];
    this.domain = new CfnDomain(this, 'Domain', {
      domainName: this.prefix,
      engineVersion: settings.store.domain.version,
      ...sizes(settings.store.domain),
      vpcOptions: {
        subnetIds: network.inside.map(({ subnetId }) => subnetId),
        securityGroupIds: [group.securityGroupId],
      },
      ...secured(access.key.keyArn, admin.roleArn),
      accessPolicies: new PolicyDocument({
        statements: [
          new PolicyStatement({
            principals: names.map((role) => new ArnPrincipal(role.roleArn)),
            actions: httpRequests,
            resources: [`${domainArn(this.prefix)}/*`],
          }),
        ],
      }),
      logPublishingOptions: this.#logs(),
    });
    // Without it another version is another domain, of a name that is taken.
    this.domain.cfnOptions.updatePolicy = {
      ...this.domain.cfnOptions.updatePolicy,
      enableVersionUpgrade: true,
    };
    this.domain.applyRemovalPolicy(this.dataRemoval);
    this.endpoint = `https://${this.domain.attrDomainEndpoint}`;
    this.#mapRoles(admin, group, access);
  }

  #logs(): Record<string, { enabled: true; cloudWatchLogsLogGroupArn: string }> {
    const groups = Object.entries(domainLogs(this.settings.stage)).map(([kind, logGroupName]) => {
      const group = new LogGroup(this, `Log-${kind}`, {
        logGroupName,
        retention: this.settings.log_days as RetentionDays,
        removalPolicy: RemovalPolicy.DESTROY,
      });
      return [kind, { enabled: true, cloudWatchLogsLogGroupArn: group.logGroupArn }] as const;
    });
    return Object.fromEntries(groups);
  }

  #mapRoles(admin: IRole, domainGroup: SecurityGroup, access: AccessStack): void {
    const logGroup = new LogGroup(this, 'MapRolesLog', {
      retention: this.settings.log_days as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const rights = new Policy(this, 'MapRolesRights', {
      roles: [admin],
      statements: [
        new PolicyStatement({
          actions: ['es:ESHttpPut'],
          resources: [`${domainArn(this.prefix)}/_plugins/_security/api/*`],
        }),
        new PolicyStatement({
          actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
          resources: [logGroup.logGroupArn],
        }),
        // Lambda attaches a network interface to the subnets; EC2 knows no narrower resource for these.
        new PolicyStatement({
          actions: [
            'ec2:CreateNetworkInterface',
            'ec2:DeleteNetworkInterface',
            'ec2:DescribeNetworkInterfaces',
            'ec2:DescribeSubnets',
          ],
          resources: ['*'],
        }),
      ],
    });
    const group = new SecurityGroup(this, 'MapRolesGroup', {
      vpc: this.#network.vpc,
      description: 'Maps roles inside of the search domain',
    });
    const lambda = new Lambda(this, 'MapRoles', {
      description: 'Maps roles of IAM to roles of the search domain, when they change',
      runtime: Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: Code.fromInline(readFileSync(new URL('../store/map-roles.cjs', import.meta.url), 'utf8')),
      role: admin,
      logGroup,
      timeout: Duration.minutes(5),
      memorySize: 256,
      vpc: this.#network.vpc,
      vpcSubnets: { subnets: this.#network.inside },
      securityGroups: [group],
      allowPublicSubnet: false,
    });
    lambda.node.addDependency(rights);
    const mapping = new CustomResource(this, 'Roles', {
      serviceToken: lambda.functionArn,
      properties: {
        Endpoint: this.endpoint,
        Roles: this.toJsonString(
          domainRoles({
            consumer: access.consumer.roleArn,
            searchApi: access.searchApi.roleArn,
            ledger: access.ledger.roleArn,
          }),
        ),
      },
    });
    mapping.node.addDependency(domainGroup, lambda);
  }
}

function sizes(domain: Settings['store']['domain']) {
  return {
    clusterConfig: {
      instanceType: domain.data_type,
      instanceCount: domain.data_nodes,
      zoneAwarenessEnabled: true,
      zoneAwarenessConfig: { availabilityZoneCount: 3 },
      multiAzWithStandbyEnabled: domain.standby,
      ...(domain.masters
        ? { dedicatedMasterEnabled: true, dedicatedMasterCount: 3, dedicatedMasterType: domain.master_type }
        : {}),
    },
    ebsOptions: { ebsEnabled: true, volumeType: 'gp3', volumeSize: domain.disk_gb },
  };
}

function secured(kmsKeyId: string, masterUserArn: string) {
  return {
    encryptionAtRestOptions: { enabled: true, kmsKeyId },
    nodeToNodeEncryptionOptions: { enabled: true },
    domainEndpointOptions: { enforceHttps: true, tlsSecurityPolicy: 'Policy-Min-TLS-1-2-PFS-2023-10' },
    // No passwords: roles of IAM are the users. The master user is a role that only maps the others.
    advancedSecurityOptions: {
      enabled: true,
      internalUserDatabaseEnabled: false,
      masterUserOptions: { masterUserArn },
    },
    softwareUpdateOptions: { autoSoftwareUpdateEnabled: true },
    offPeakWindowOptions: {
      enabled: true,
      offPeakWindow: { windowStartTime: { hours: 2, minutes: 0 } },
    },
  };
}

/** Kept beside the stack that makes them: what tasks may ask of the domain. */
export function storeRights(arn: string): PolicyStatement {
  return new PolicyStatement({ actions: httpRequests, resources: [`${arn}/*`] });
}
