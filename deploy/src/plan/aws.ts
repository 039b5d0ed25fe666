import type { Prices } from './figures.ts';
import type { Plan } from './plan.ts';

const hoursPerMonth = 730;
const zones = 3;
/** Interface endpoints of deploy/aws/src/stacks/network.ts; those of S3 and DynamoDB cost nothing. */
const endpoints = 5;
/** A consumer's task; and two of the search API, as deploy/aws has them by default. */
const consumerTask = { cores: 2, gb: 8 };
const searchTask = { cores: 1, gb: 4 };
const searchTasks = 2;

/** The same load on the stacks of deploy/aws: workers are tasks of Fargate, and what stands around them is added. */
export function onAws(plan: Plan, price: Prices): Plan {
  const taskHour = ({ cores, gb }: typeof consumerTask) =>
    cores * price.fargateCoreHour + gb * price.fargateGbHour;
  const month = (part: string, perHour: number, how: string) => ({
    part,
    perMonth: perHour * hoursPerMonth,
    how,
  });
  const cost = plan.cost.map((each) =>
    each.part === 'consumer'
      ? month('consumer', plan.workers * taskHour(consumerTask), `${plan.workers} tasks of 2 vCPU, 8 GB`)
      : each,
  );
  cost.push(
    month('search API', searchTasks * taskHour(searchTask), `${searchTasks} tasks of 1 vCPU, 4 GB`),
    month('load balancer', price.balancerHour, 'one, without what it carries'),
    month('endpoints', endpoints * zones * price.endpointHour, `${endpoints} in ${zones} zones`),
  );
  return { ...plan, cost, total: cost.reduce((sum, { perMonth }) => sum + perMonth, 0) };
}
