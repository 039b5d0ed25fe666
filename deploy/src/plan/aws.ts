import { type Measured, measured, type Prices } from './figures.ts';
import { type Load, type Plan, secondsPerDay } from './plan.ts';

const hoursPerMonth = 730;
const daysPerMonth = 30.4;
const zones = 3;
/** Interface endpoints of deploy/aws/src/stacks/network.ts; those of S3 and DynamoDB cost nothing. */
const endpoints = 5;
/** A consumer's task; and two of the search API, as deploy/aws has them by default. */
const consumerTask = { cores: 2, gb: 8 };
const searchTask = { cores: 1, gb: 4 };
const searchTasks = 2;
/** `millrace shards auto`, every five minutes; a run and what Fargate bills around it take a minute or two. */
const autoscaleTask = { cores: 0.25, gb: 0.5 };
const autoscaleRunsPerDay = 288;
const autoscaleRunHours = 2 / 60;
/** A line of a counter, each minute, by each task (docs/counters.md). */
const counterLineBytes = 400;
const minutesPerDay = 1_440;
/** The loader into Redshift: no more than two at a time (deploy/aws/src/analytics/loader.ts). */
const loader = { gb: 0.25, atATime: 2 };

/** Parts of deploy/aws that its settings may ask for. */
export interface Wanted {
  /** `counters`: combinations of values that are told apart. */
  counters?: number | undefined;
  /** `analytics`: TB that reports have Athena read a month. */
  athenaTb?: number | undefined;
  /** `analytics.redshift`. */
  redshift?: boolean | undefined;
  /** `stream.autoscale`. */
  autoscale?: boolean | undefined;
}

type Row = Plan['cost'][number];

/** The same load on the stacks of deploy/aws: workers are tasks of Fargate, and what stands around them is added. */
export function onAws(
  load: Load,
  sizes: Plan,
  price: Prices,
  wanted: Wanted = {},
  figures: Measured = measured,
): Plan {
  const plan = hasAnalytics(wanted) ? withNdjson(sizes) : sizes;
  const hourly = (part: string, perHour: number, how: string): Row => ({
    part,
    perMonth: perHour * hoursPerMonth,
    how,
  });
  const cost = plan.cost.map((each) =>
    each.part === 'consumer'
      ? hourly(
          'consumer',
          plan.workers * taskHour(consumerTask, price),
          `${plan.workers} tasks of 2 vCPU, 8 GB`,
        )
      : each,
  );
  const inVpc = endpoints + (wanted.autoscale ? 1 : 0);
  cost.push(
    hourly('search API', searchTasks * taskHour(searchTask, price), `${searchTasks} tasks of 1 vCPU, 4 GB`),
    hourly('load balancer', price.balancerHour, 'one, without what it carries'),
    hourly('endpoints', inVpc * zones * price.endpointHour, `${inVpc} in ${zones} zones`),
    ...counters(plan, price, wanted),
    ...analytics(load, plan, price, wanted, figures),
    ...autoscale(price, wanted),
  );
  return { ...plan, cost, total: cost.reduce((sum, { perMonth }) => sum + perMonth, 0) };
}

function taskHour({ cores, gb }: typeof consumerTask, price: Prices): number {
  return cores * price.fargateCoreHour + gb * price.fargateGbHour;
}

function hasAnalytics({ athenaTb, redshift }: Wanted): boolean {
  return athenaTb !== undefined || redshift === true;
}

/** NDJSON costs the consumers as much CPU as they need without (docs/archive.md). */
function withNdjson(sizes: Plan): Plan {
  const consumerCores = 2 * sizes.consumerCores;
  return {
    ...sizes,
    consumerCores,
    workers: Math.max(sizes.workers, Math.ceil(consumerCores / consumerTask.cores)),
  };
}

function counters({ workers }: Plan, price: Prices, { counters: series = 0 }: Wanted): Row[] {
  if (series === 0) return [];
  const logGb = (workers * series * counterLineBytes * minutesPerDay * daysPerMonth) / 1e9;
  const perMonth = series * price.metricMonth + logGb * price.logGb;
  return [{ part: 'counters', perMonth, how: `${series} metrics; ${logGb.toFixed(1)} GB of log lines` }];
}

function analytics(load: Load, plan: Plan, price: Prices, wanted: Wanted, figures: Measured): Row[] {
  if (!hasAnalytics(wanted)) return [];
  const { athenaTb = 0, redshift } = wanted;
  const gb = (plan.linesPerSecond * secondsPerDay * load.archiveDays * figures.ndjsonBytes) / 1e9;
  const rows = [
    {
      part: 'NDJSON',
      perMonth: gb * price.s3GbMonth,
      how: `${Math.round(gb)} GB when full, beside the archive`,
    },
    { part: 'Athena', perMonth: athenaTb * price.athenaTb, how: `${athenaTb} TB read by reports` },
  ];
  if (!redshift) return rows;
  const gbSeconds = loader.atATime * loader.gb * hoursPerMonth * 3_600;
  const how = 'two functions of 256 MB that never rest: less in fact; the warehouse is yours';
  return [...rows, { part: 'loader', perMonth: gbSeconds * price.lambdaGbSecond, how }];
}

function autoscale(price: Prices, wanted: Wanted): Row[] {
  if (!wanted.autoscale) return [];
  const hours = autoscaleRunsPerDay * daysPerMonth * autoscaleRunHours;
  const how = `${autoscaleRunsPerDay} runs a day, two minutes of 0.25 vCPU, 0.5 GB each`;
  return [{ part: 'shards auto', perMonth: hours * taskHour(autoscaleTask, price), how }];
}
