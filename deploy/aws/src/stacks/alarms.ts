import { Aws } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import type { Settings } from '../settings/schema.ts';
import type { AlarmSpec } from '../watch/alarm.ts';
import { analyticsAlarms } from '../watch/analytics.ts';
import { archiveAlarms } from '../watch/archive.ts';
import { dashboardOf } from '../watch/dashboard.ts';
import { serviceAlarms } from '../watch/services.ts';
import { shardsAlarms } from '../watch/shards.ts';
import { storeAlarms } from '../watch/store.ts';
import { streamAlarms } from '../watch/stream.ts';
import type { Watched } from '../watch/watched.ts';
import { PartStack } from './stack.ts';

/** Alarms to one topic, and a dashboard. */
export class AlarmsStack extends PartStack {
  constructor(scope: Construct, settings: Settings, watched: Watched) {
    super(scope, 'Alarms', settings, 'alarms, topic, dashboard');
    const topic = new Topic(this, 'Topic', {
      topicName: `${this.prefix}-alarms`,
      masterKey: watched.access.key,
      enforceSSL: true,
    });
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );
    for (const email of settings.alarms.emails) topic.addSubscription(new EmailSubscription(email));
    const specs = [
      ...streamAlarms(watched),
      ...archiveAlarms(this, watched),
      ...storeAlarms(this, watched),
      ...serviceAlarms(this, watched),
      ...shardsAlarms(this, watched),
      ...analyticsAlarms(this, watched),
    ];
    const action = new SnsAction(topic);
    const alarms = specs.map((spec) => {
      const alarm = this.#alarm(spec);
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
      return alarm;
    });
    dashboardOf(this, watched, alarms);
  }

  #alarm({ name, says, metric, above, below, periods, of, missing }: AlarmSpec): Alarm {
    return new Alarm(this, name, {
      alarmName: `${this.prefix}-${name}`,
      alarmDescription: says,
      metric,
      threshold: above ?? below ?? 0,
      comparisonOperator:
        above === undefined
          ? ComparisonOperator.LESS_THAN_THRESHOLD
          : ComparisonOperator.GREATER_THAN_THRESHOLD,
      ...(of === undefined
        ? { evaluationPeriods: periods }
        : { evaluationPeriods: of, datapointsToAlarm: periods }),
      treatMissingData: missing === 'bad' ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
  }
}
