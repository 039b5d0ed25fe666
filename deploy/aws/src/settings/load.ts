import { readFileSync } from 'node:fs';
import { suggest } from '@millrace/core/config/suggest.ts';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { networkProblems } from './networks.ts';
import { type Settings, SettingsSchema } from './schema.ts';

const stages = ['dev', 'qa', 'prod'];

/** Where the stacks go. */
export interface Place {
  account: string;
  region: string;
}

/**
 * The settings of a stage: its file in `stages/`, and another file laid over it, key by key. Without a place, which a
 * synthesis without credentials does not know, nothing is held to it.
 * @throws MillraceError CONFIG_INVALID: an unknown stage or key (with the nearest known one), a value out of its
 * bounds, or settings that contradict each other
 */
export function loadSettings(stage: unknown, overFile?: string, place?: Place): Settings {
  if (typeof stage !== 'string' || !stages.includes(stage)) {
    const near = typeof stage === 'string' ? suggest(stage, stages) : undefined;
    throw new MillraceError(
      'CONFIG_INVALID',
      `stage "${stage ?? ''}" is none${near === undefined ? '' : `, did you mean "${near}"?`}`,
      { hint: `cdk synth -c stage=NAME; stages are ${stages.join(', ')}` },
    );
  }
  const own = readObject(new URL(`../../stages/${stage}.json`, import.meta.url));
  const over = overFile === undefined ? {} : readObject(overFile);
  const where = overFile === undefined ? `stages/${stage}.json` : `stages/${stage}.json with ${overFile}`;
  const settings = validateConfig(SettingsSchema, { ...laidOver(own, over), stage }, where);
  const problems = [...networkProblems(settings), ...contradictions(settings), ...elsewhere(settings, place)];
  if (problems.length > 0)
    throw new MillraceError('CONFIG_INVALID', `${where}: ${problems.join('; ')}`, {
      hint: 'docs/aws.md has an example of each',
    });
  return settings;
}

type Json = { [key: string]: unknown };

function readObject(file: string | URL): Json {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (isObject(value)) return value;
    throw new Error('not an object');
  } catch (cause) {
    throw new MillraceError('CONFIG_INVALID', `${file}: ${messageOf(cause)}`, { cause });
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Objects are merged, everything else replaced. */
function laidOver(below: Json, above: Json): Json {
  const result: Json = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const old = result[key];
    result[key] = isObject(value) && isObject(old) ? laidOver(old, value) : value;
  }
  return result;
}

type Check = [wrong: boolean, text: string];

/** What a schema cannot say. */
function contradictions(settings: Settings): string[] {
  const { stage, store, stream, analytics } = settings;
  const checks: Check[] = [
    [
      stream.autoscale !== undefined && stream.mode === 'on_demand',
      '/stream/autoscale: Kinesis chooses the shards of an on-demand stream; leave it out, or make mode "provisioned"',
    ],
    [
      stream.autoscale !== undefined && stream.autoscale.max < stream.autoscale.min,
      '/stream/autoscale/max: is below min',
    ],
    ...domainChecks(store.domain),
    [
      stage === 'prod' && !settings.keep_data,
      '/keep_data: prod keeps its data; false deletes stream, archive and store with their stacks',
    ],
    [
      analytics?.redshift !== undefined &&
        (analytics.redshift.workgroup_arn === undefined) === (analytics.redshift.cluster === undefined),
      '/analytics/redshift: one of workgroup_arn (Serverless) and cluster is needed',
    ],
    ...searchApiChecks(settings),
    ...archiveChecks(settings),
    ...taskChecks(settings),
  ];
  return checks.filter(([wrong]) => wrong).map(([, text]) => text);
}

function domainChecks({ standby, masters, data_type, master_type }: Settings['store']['domain']): Check[] {
  return [
    [
      standby && (!masters || [data_type, master_type].some((type) => /^t\d/.test(type))),
      '/store/domain/standby: needs dedicated masters, and nodes that are not of a t type',
    ],
    [
      noEbs.test(data_type),
      `/store/domain/data_type: ${data_type} has disks of its own and takes no EBS, which disk_gb is: another type`,
    ],
  ];
}

/** Types with disks of their own: docs.aws.amazon.com/opensearch-service/latest/developerguide/supported-instance-types.html */
const noEbs = /^(i|im|is|oi)\d|^[cmr]\d+gd\./;

/** What has to be of the account and region that the stacks go to, or of its region at least. */
function elsewhere(settings: Settings, place: Place | undefined): string[] {
  if (place === undefined) return [];
  const { search_api: search, gateway, analytics } = settings;
  const certificate = 'load balancers take certificates of their own account and region';
  const beside: [where: string, arn: string | undefined, why: string][] = [
    [
      '/analytics/redshift/workgroup_arn',
      analytics?.redshift?.workgroup_arn,
      'the loader reaches workgroups beside it alone',
    ],
    ['/search_api/certificate_arn', search.certificate_arn, certificate],
    ['/gateway/certificate_arn', gateway?.certificate_arn, certificate],
    ...search.alert_topics.map((arn, i): [string, string, string] => [
      `/search_api/alert_topics/${i}`,
      // Of another account it may be.
      arn.replace(/^((?:[^:]*:){4})[^:]*/, `$1${place.account}`),
      'the search API tells topics of its own region',
    ]),
  ];
  return beside.flatMap(([where, arn, why]) => {
    const [, , , region, account] = arn?.split(':') ?? [];
    if (arn === undefined || (region === place.region && account === place.account)) return [];
    return [
      `${where}: is of account ${account}, ${region}, and the stacks go to ${place.account}, ${place.region}: ${why}`,
    ];
  });
}

function searchApiChecks({ stage, search_api: search, network }: Settings): Check[] {
  const needsHttps = search.public || stage !== 'dev';
  return [
    [
      needsHttps && search.certificate_arn === undefined,
      '/search_api/certificate_arn: required in qa and prod, and where the search API is public',
    ],
    [
      Object.keys(search.access).length === 0,
      '/search_api/access: required, or nobody could be told from anybody (docs/access.md)',
    ],
    [
      'oidc' in search.access && network.nat_gateways === 0,
      '/network/nat_gateways: a login asks the OpenID issuer, which lies outside of the VPC: 1 or more',
    ],
    [
      'oidc' in search.access && (search.session_key_arn === undefined || search.public_url === undefined),
      '/search_api: a login needs session_key_arn (one key for all tasks) and public_url',
    ],
  ];
}

function archiveChecks({ archive, hot_days }: Settings): Check[] {
  return [
    [
      archive.deep_after_days > 0 && archive.deep_after_days <= hot_days + 7,
      '/archive/deep_after_days: the filler reads objects of the hot days, and of late agents a week more',
    ],
    [
      archive.expire_after_days > 0 && archive.expire_after_days <= hot_days + 7,
      '/archive/expire_after_days: the archive would end before the store does',
    ],
    [
      archive.deep_after_days > 0 && archive.deep_after_days <= archive.instant_after_days,
      '/archive/deep_after_days: has to be later than instant_after_days',
    ],
    [
      archive.deep_after_days > 0 &&
        archive.expire_after_days > 0 &&
        archive.expire_after_days <= archive.deep_after_days,
      '/archive/expire_after_days: has to be later than deep_after_days',
    ],
  ];
}

function taskChecks({ consumer, search_api, gateway }: Settings): Check[] {
  const services = { consumer, search_api, ...(gateway ? { gateway } : {}) };
  return Object.entries(services).flatMap(([name, { cpu, memory_mb, tasks_min, tasks_max }]): Check[] => [
    [tasks_max < tasks_min, `/${name}/tasks_max: is below tasks_min`],
    [
      !fargateTakes(cpu, memory_mb),
      `/${name}/memory_mb: Fargate has no task of ${cpu} CPU units with ${memory_mb} MB`,
    ],
  ]);
}

/** MiB from, to and step by CPU units: docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html */
const fargate: Record<number, [from: number, to: number, step: number]> = {
  512: [1024, 4096, 1024],
  1024: [2048, 8192, 1024],
  2048: [4096, 16_384, 1024],
  4096: [8192, 30_720, 1024],
  8192: [16_384, 61_440, 4096],
  16384: [32_768, 122_880, 8192],
};

function fargateTakes(cpu: number, memory: number): boolean {
  const [from, to, step] = fargate[cpu] ?? [0, -1, 1];
  return memory >= from && memory <= to && (memory - from) % step === 0;
}
