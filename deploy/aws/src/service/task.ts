import { readFileSync } from 'node:fs';
import { Aws, Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  ContainerDependencyCondition,
  ContainerImage,
  CpuArchitecture,
  FargateTaskDefinition,
  LogDrivers,
  OperatingSystemFamily,
  Secret as TaskSecret,
} from 'aws-cdk-lib/aws-ecs';
import { type IRole, Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ImageName, ImagesStack } from '../stacks/images.ts';
import type { PartStack } from '../stacks/stack.ts';
import { folders, user } from './image-layout.ts';
import { keysBy } from './rights.ts';

/** A text of the environment: of a secret's JSON, or of a secret as a whole. */
export interface SecretText {
  arn: string;
  /** Key of its JSON. */
  field?: string;
  /** Keys of KMS that may encrypt it, besides the account's own for Secrets Manager. */
  keyArns: string[];
}

export interface TaskOptions {
  /** Also the container's and the log group's. */
  name: string;
  image: ImageName;
  images: ImagesStack;
  key: IKey;
  role: Role;
  rights: PolicyStatement[];
  cpu: number;
  memoryMb: number;
  /** Written under `/run/millrace` before the program begins: text, or JSON in which `{"$env": NAME}` is a secret. */
  files: Record<string, unknown>;
  secrets?: Record<string, SecretText>;
  /** Arguments of the program, which is the image's entry point. */
  command: string[];
  ports?: number[];
  /** URL that answers 200 while the program is well; undefined: it ends by itself. */
  health?: string;
  env?: Record<string, string>;
  /** Of scratch disk, GiB. */
  diskGb?: number;
}

/** ECS kills what has not ended two minutes after SIGTERM; Fargate allows no more. */
const stopTimeout = Duration.seconds(120);

/** A Fargate task of one program, which runs as nobody in particular and can write only into its own folders. */
export function taskOf(
  stack: PartStack,
  id: string,
  options: TaskOptions,
): { task: FargateTaskDefinition; logGroup: LogGroup } {
  const logGroup = new LogGroup(stack, `${id}Log`, {
    logGroupName: `/millrace/${stack.settings.stage}/${options.name}`,
    encryptionKey: options.key,
    retention: stack.settings.log_days as RetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const rights = new Policy(stack, `${id}Rights`, { roles: [options.role], statements: options.rights });
  const start = startRole(stack, id, options, logGroup);
  const arm = stack.settings.images.architecture === 'ARM64';
  const task = new FargateTaskDefinition(stack, `${id}Task`, {
    family: `${stack.prefix}-${options.name}`,
    cpu: options.cpu,
    memoryLimitMiB: options.memoryMb,
    ...(options.diskGb === undefined ? {} : { ephemeralStorageGiB: options.diskGb }),
    taskRole: options.role,
    executionRole: start.role,
    runtimePlatform: {
      cpuArchitecture: arm ? CpuArchitecture.ARM64 : CpuArchitecture.X86_64,
      operatingSystemFamily: OperatingSystemFamily.LINUX,
    },
    volumes: Object.keys(folders).map((name) => ({ name })),
  });
  addContainers(stack, task, options, logGroup);
  // A task that begins without its rights fails, and a service whose tasks fail is rolled back.
  task.node.addDependency(rights, start.rights);
  return { task, logGroup };
}

function addContainers(
  stack: PartStack,
  task: FargateTaskDefinition,
  options: TaskOptions,
  logGroup: LogGroup,
): void {
  // By address, not by repository: rights to pull are those of `executionRole`, and no others.
  const image = ContainerImage.fromRegistry(options.images.uri(options.image));
  const logging = LogDrivers.awsLogs({ logGroup, streamPrefix: options.name });
  const mounts = Object.entries(folders).map(([sourceVolume, containerPath]) => ({
    sourceVolume,
    containerPath,
    readOnly: false,
  }));
  const files = task.addContainer('files', {
    image,
    logging,
    essential: false,
    readonlyRootFilesystem: true,
    // Volumes are root's until it has given them away.
    user: '0',
    entryPoint: ['node', '-e'],
    command: [readFileSync(new URL('./write-files.cjs', import.meta.url), 'utf8')],
    environment: {
      FILES: stack.toJsonString(options.files),
      FOLDERS: JSON.stringify([folders.state, folders.tmp]),
      INTO: folders.files,
      OWNER: String(user),
      // It is root, and a folder of root's in /tmp is no use to the program.
      NODE_DISABLE_COMPILE_CACHE: '1',
    },
    secrets: Object.fromEntries(
      Object.entries(options.secrets ?? {}).map(([name, { arn, field }]) => {
        const secret = Secret.fromSecretCompleteArn(task, name, arn);
        return [name, TaskSecret.fromSecretsManager(secret, field)];
      }),
    ),
  });
  const program = task.addContainer(options.name, {
    image,
    logging,
    essential: true,
    readonlyRootFilesystem: true,
    user: `${user}:${user}`,
    command: options.command,
    environment: { AWS_REGION: Aws.REGION, TMPDIR: folders.tmp, ...options.env },
    portMappings: (options.ports ?? []).map((containerPort) => ({ containerPort })),
    stopTimeout,
    ...(options.health === undefined ? {} : { healthCheck: healthCheck(options.health) }),
  });
  program.addContainerDependencies({ container: files, condition: ContainerDependencyCondition.SUCCESS });
  files.addMountPoints(...mounts);
  program.addMountPoints(...mounts);
}

function healthCheck(url: string) {
  const ask = `fetch('${url}').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))`;
  return {
    command: ['CMD', 'node', '-e', ask],
    interval: Duration.seconds(30),
    timeout: Duration.seconds(10),
    retries: 3,
    startPeriod: Duration.minutes(3),
  };
}

/** What ECS itself may do to start the task: this image, this log group, these secrets. */
function startRole(
  stack: PartStack,
  id: string,
  options: TaskOptions,
  logGroup: LogGroup,
): { role: IRole; rights: Policy } {
  const role = new Role(stack, `${id}Start`, {
    assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    }),
    description: `Millrace: starts tasks of ${options.name}`,
  });
  const secrets = Object.values(options.secrets ?? {});
  const keys = [...new Set(secrets.flatMap(({ keyArns }) => keyArns))];
  const statements = [
    // The token is the account's; ECR knows no resource for it.
    new PolicyStatement({ actions: ['ecr:GetAuthorizationToken'], resources: ['*'] }),
    new PolicyStatement({
      actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
      resources: [options.images.repository(options.image).repositoryArn],
    }),
    new PolicyStatement({
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    }),
    ...(secrets.length > 0
      ? [
          new PolicyStatement({
            actions: ['secretsmanager:GetSecretValue'],
            resources: [...new Set(secrets.map(({ arn }) => arn))],
          }),
        ]
      : []),
    ...keysBy('secretsmanager', ['kms:Decrypt'], keys),
  ];
  const rights = new Policy(stack, `${id}StartRights`, { roles: [role], statements });
  // CDK would add rights of its own, wider than these.
  return { role: role.withoutPolicyUpdates(), rights };
}
