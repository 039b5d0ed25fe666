import { suggest } from '@millrace/core/config/suggest.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { jsonText } from '../../local/config-files.ts';
import { onAws, type Wanted } from '../../plan/aws.ts';
import { measured, type Prices, prices } from '../../plan/figures.ts';
import { type Load, type Plan, plan } from '../../plan/plan.ts';
import { type Command, exitCodes, type Parsed } from '../command.ts';

const number = (help: string, fallback?: number) => ({
  type: 'string' as const,
  value: 'N',
  ...(fallback === undefined ? {} : { default: String(fallback) }),
  help,
});

export const planCommand: Command = {
  name: 'plan',
  summary: 'Say what an amount of logs takes: shards, workers, store, archive, and what AWS asks for it.',
  usage: 'plan --gb-per-day N [--servers N] [--hot-days N] [--archive-days N] …',
  details:
    'Figures are those that were measured (bench/RESULTS.md); docs/capacity.md says how they are put together.',
  options: {
    'gb-per-day': number('Log bytes of all servers a day, in GB (1e9 bytes).'),
    servers: number('Servers.', 100),
    'line-bytes': number('Bytes of a line, on average.', 150),
    peak: number('The busiest hour over the average one.', 3),
    'hot-days': number('Days in the store.', 7),
    'archive-days': number('Days on S3.', 365),
    replicas: number('Copies of an index besides the first.', 1),
    ratio: number('Log bytes over archive bytes.', measured.ratio),
    price: {
      type: 'string',
      multiple: true,
      value: 'NAME=VALUE',
      help: `One of ${Object.keys(prices).join(', ')}.`,
    },
    aws: { type: 'boolean', help: 'On the stacks of deploy/aws: Fargate, endpoints, load balancer.' },
    counters: number('With --aws and counters: combinations of values that they tell apart.'),
    'athena-tb': number('With --aws and analytics: TB that reports have Athena read a month.'),
    redshift: { type: 'boolean', help: 'With --aws and analytics.redshift: the loader.' },
    autoscale: { type: 'boolean', help: 'With --aws and stream.autoscale: its tasks and endpoint.' },
    json: { type: 'boolean', help: 'Print JSON.' },
  },
  positionals: { min: 0, max: 0 },
  examples: [
    './millrace plan --gb-per-day 200',
    './millrace plan --gb-per-day 20 --servers 30 --hot-days 14',
    './millrace plan --gb-per-day 200 --aws --price fargateCoreHour=0.0362',
    './millrace plan --gb-per-day 200 --aws --counters 100 --athena-tb 2 --autoscale',
  ],
  exits: [],
  async run(context, parsed) {
    const load = loadOf(parsed);
    const given = pricesOf(parsed.lists.price ?? []);
    const sizes = plan(load, measured, given);
    const wanted = wantedOf(parsed);
    const result = parsed.flags.aws ? onAws(load, sizes, given, wanted) : sizes;
    context.stdout(parsed.flags.json ? jsonText({ load, ...result }) : text(load, result));
    return exitCodes.ok;
  },
};

function loadOf({ strings }: Parsed): Load {
  if (strings['gb-per-day'] === undefined)
    throw new MillraceError('USAGE', 'plan: how much is it? --gb-per-day is missing', {
      hint: './millrace plan --gb-per-day 200',
    });
  const value = (name: string, least: number) => numberOf(name, strings[name], least);
  return {
    gbPerDay: value('gb-per-day', 0.001),
    servers: value('servers', 1),
    lineBytes: value('line-bytes', 1),
    peak: value('peak', 1),
    hotDays: value('hot-days', 0),
    archiveDays: value('archive-days', 0),
    replicas: value('replicas', 0),
    ratio: value('ratio', 1),
  };
}

function numberOf(name: string, text: string | undefined, least: number): number {
  const given = Number(text);
  if (Number.isFinite(given) && given >= least && given <= 1e9) return given;
  throw new MillraceError('USAGE', `plan: --${name} "${text}" is no number from ${least}`);
}

function wantedOf({ strings, flags }: Parsed): Wanted {
  const given = ['counters', 'athena-tb', 'redshift', 'autoscale'].find(
    (name) => strings[name] !== undefined || flags[name],
  );
  if (given !== undefined && !flags.aws)
    throw new MillraceError('USAGE', `plan: --${given} is a part of the stacks on AWS`, {
      hint: `add --aws, or leave --${given} out`,
    });
  const optional = (name: string) =>
    strings[name] === undefined ? undefined : numberOf(name, strings[name], 0);
  return {
    counters: optional('counters'),
    athenaTb: optional('athena-tb'),
    redshift: flags.redshift,
    autoscale: flags.autoscale,
  };
}

function pricesOf(settings: string[]): Prices {
  const given: Prices = { ...prices };
  for (const setting of settings) {
    const [name = '', text = ''] = setting.split('=');
    if (!Object.hasOwn(prices, name) || text === '' || !(Number(text) >= 0)) {
      const near = suggest(name, Object.keys(prices));
      const hint = near ? `did you mean ${near}?` : `names are ${Object.keys(prices).join(', ')}`;
      throw new MillraceError('USAGE', `plan: --price "${setting}" is not NAME=VALUE of a known price`, {
        hint,
      });
    }
    given[name as keyof Prices] = Number(text);
  }
  return given;
}

function text(load: Load, result: Plan): string {
  const count = (value: number) => Math.round(value).toLocaleString('en-US');
  const rows: [string, string][] = [
    ['lines', `${count(result.linesPerSecond)}/s, ${count(result.linesPerSecondPeak)}/s at the peak`],
    [
      'stream',
      `${result.streamMbPerSecondPeak.toFixed(2)} MB/s at the peak, ${count(result.recordsPerSecond)} records/s`,
    ],
    ['shards', `${result.shards}: ${result.shardsBecause}`],
    ['consumer', `${result.workers} workers of 2 cores`],
    [
      'store',
      `${count(result.storeGb)} GB in ${load.hotDays} days, ${count(result.storeDocuments / 1e6)} million documents; ${result.storeNodes} nodes of 8 cores`,
    ],
    ['archive', `${count(result.archiveGb)} GB in ${load.archiveDays} days`],
    ...result.cost.map(({ part, perMonth, how }): [string, string] => [
      part,
      `$${count(perMonth)} a month: ${how}`,
    ]),
    ['together', `$${count(result.total)} a month, list prices of us-east-1`],
  ];
  return rows.map(([name, what]) => `${name.padEnd(14)}${what}\n`).join('');
}
