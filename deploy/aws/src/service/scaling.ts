import { Duration } from 'aws-cdk-lib';
import { AdjustmentType } from 'aws-cdk-lib/aws-applicationautoscaling';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { FargateService, ScalableTaskCount } from 'aws-cdk-lib/aws-ecs';

/** Of the tasks that run, percent: enough room to catch up, and to lose one of three. */
const cpuTarget = 60;
/** From here on it is urgent. */
const cpuUrgent = 80;

/** Between its bounds, after CPU: slowly to 60 %, and at once when 80 % is passed. */
export function scaledByCpu(
  service: FargateService,
  bounds: { tasks_min: number; tasks_max: number },
): ScalableTaskCount {
  const count = service.autoScaleTaskCount({
    minCapacity: bounds.tasks_min,
    maxCapacity: bounds.tasks_max,
  });
  count.scaleOnCpuUtilization('Cpu', {
    targetUtilizationPercent: cpuTarget,
    scaleOutCooldown: Duration.minutes(2),
    // Leases move, and caches are cold, whenever a task goes.
    scaleInCooldown: Duration.minutes(15),
  });
  scaleOut(count, 'CpuUrgent', service.metricCpuUtilization({ period: Duration.minutes(1) }), [
    [cpuUrgent, 25],
    [95, 50],
  ]);
  return count;
}

/** More tasks, by so many percent, at least one, from a value on. It never takes any away: CPU does. */
export function scaleOut(
  count: ScalableTaskCount,
  id: string,
  metric: IMetric,
  steps: [[from: number, percent: number], [from: number, percent: number]],
): void {
  const [[first, some], [second, many]] = steps;
  count.scaleOnMetric(id, {
    metric,
    scalingSteps: [
      { lower: first, upper: second, change: some },
      { lower: second, change: many },
    ],
    adjustmentType: AdjustmentType.PERCENT_CHANGE_IN_CAPACITY,
    minAdjustmentMagnitude: 1,
    evaluationPeriods: 2,
    cooldown: Duration.minutes(3),
  });
}
