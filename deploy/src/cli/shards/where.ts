import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { stackPaths } from '../../local/config-files.ts';
import { isAlive } from '../../local/identity.ts';
import { readRunFile } from '../../local/run-file.ts';
import type { AwsAddress } from '../../shards/aws.ts';
import { createCloudWatchMeter } from '../../shards/cloudwatch.ts';
import { createConsumerMeter } from '../../shards/consumer-meter.ts';
import { createKinesisStream } from '../../shards/kinesis.ts';
import { createLeaseTable } from '../../shards/leases.ts';
import type { World } from '../../shards/look.ts';
import type { LoadMeter } from '../../shards/ports.ts';
import type { CliContext, Option, Parsed } from '../command.ts';
import { dataDirOf, dataOption } from '../stack-options.ts';

/** Which stream: a local stack's, a consumer.json's, or one by name. */
export const whereOptions: Record<string, Option> = {
  data: dataOption,
  config: { type: 'string', value: 'FILE', help: 'A consumer.json: its stream, with your own credentials.' },
  stream: { type: 'string', value: 'NAME', help: 'A stream by its name, with --region.' },
  region: { type: 'string', value: 'R', help: 'Its region (default: AWS_REGION of the environment).' },
  application: {
    type: 'string',
    value: 'NAME',
    help: 'The lease table of the consumer that reads --stream (default millrace).',
  },
  consumer: {
    type: 'string',
    multiple: true,
    value: 'URL',
    help: 'Measure the load by the metrics of this consumer, in place of CloudWatch.',
  },
};

export interface Where extends World {
  meter: LoadMeter;
  /** The KCL's, milliseconds. */
  failoverMs: number;
  /** Windows of hours can be measured. */
  hasPast: boolean;
  close(): void;
}

interface Address {
  stream: string;
  application: string;
  kinesis: AwsAddress;
  leases: AwsAddress;
  failoverMs: number;
  consumers: string[];
}

/**
 * Undefined when no stack runs in the data folder.
 * @throws MillraceError USAGE, CONFIG_INVALID
 */
export function whereOf(context: CliContext, parsed: Parsed): Where | undefined {
  const address = addressOf(context, parsed);
  if (address === undefined) return undefined;
  const { clock } = context;
  const stream = createKinesisStream(address.stream, address.kinesis, clock);
  const leases = createLeaseTable(address.application, address.leases);
  const hasPast = address.consumers.length === 0;
  const meter = hasPast
    ? createCloudWatchMeter(address.stream, { region: address.kinesis.region }, clock)
    : createConsumerMeter(address.consumers, clock);
  const close = () => {
    stream.close();
    leases.close();
    meter.close();
  };
  return { stream, leases, clock, meter, failoverMs: address.failoverMs, hasPast, close };
}

function addressOf(context: CliContext, parsed: Parsed): Address | undefined {
  const { strings, lists } = parsed;
  const consumers = lists.consumer ?? [];
  const ways = ['data', 'config', 'stream'].filter((name) => strings[name] !== undefined);
  if (ways.length > 1)
    throw new MillraceError('USAGE', `shards: --${ways.join(' and --')} name different streams`);
  const beside = ['region', 'application'].find((name) => strings[name] !== undefined);
  if (beside !== undefined && strings.stream === undefined)
    throw new MillraceError('USAGE', `shards: --${beside} belongs to --stream NAME`);
  if (strings.stream !== undefined) return namedAddress(context, strings.stream, parsed);
  if (strings.config !== undefined) return fileAddress(resolve(context.cwd, strings.config), { consumers });
  const dataDir = dataDirOf(context, parsed);
  const paths = stackPaths(dataDir);
  const run = readRunFile(paths);
  if (run === undefined || !isAlive(run.supervisor) || !existsSync(paths.consumerConfig)) {
    context.stderr(
      `nothing runs in ${dataDir}; ./millrace up starts it, --config FILE or --stream NAME name another\n`,
    );
    return undefined;
  }
  const port = run.parts.find(({ name }) => name === 'consumer')?.ports[0];
  const own = port === undefined ? [] : [`http://127.0.0.1:${port}`];
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return fileAddress(paths.consumerConfig, {
    consumers: consumers.length > 0 ? consumers : own,
    credentials,
  });
}

function namedAddress({ env }: CliContext, stream: string, { strings, lists }: Parsed): Address {
  const region = strings.region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
  if (region === undefined)
    throw new MillraceError('USAGE', `shards: in which region is ${stream}? --region is missing`);
  const application = strings.application ?? 'millrace';
  const consumers = lists.consumer ?? [];
  return { stream, application, kinesis: { region }, leases: { region }, failoverMs: 10_000, consumers };
}

/** Only what is needed here; the consumer itself says what is wrong with the rest of its file. */
function fileAddress(
  file: string,
  { consumers, credentials }: { consumers: string[]; credentials?: AwsAddress['credentials'] },
): Address {
  const config = readConfig(file);
  const { name, region, endpoint } = config.stream ?? {};
  if (typeof name !== 'string' || typeof region !== 'string')
    throw new MillraceError('CONFIG_INVALID', `${file}: stream.name or stream.region is missing`, {
      hint: 'docs/config/consumer.md tells what a consumer.json looks like',
    });
  const address = (at: unknown): AwsAddress => ({
    region,
    ...(typeof at === 'string' ? { endpoint: at } : {}),
    ...(credentials === undefined ? {} : { credentials }),
  });
  return {
    stream: name,
    application: typeof config.application === 'string' ? config.application : 'millrace',
    kinesis: address(endpoint),
    leases: address(config.leases?.endpoint),
    failoverMs: typeof config.leases?.failover_ms === 'number' ? config.leases.failover_ms : 10_000,
    consumers,
  };
}

interface ConsumerFile {
  application?: unknown;
  stream?: Record<string, unknown>;
  leases?: Record<string, unknown>;
}

function readConfig(file: string): ConsumerFile {
  try {
    const config: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof config === 'object' && config !== null ? config : {};
  } catch (cause) {
    throw new MillraceError('CONFIG_INVALID', `${file}: ${messageOf(cause)}`, { cause });
  }
}
