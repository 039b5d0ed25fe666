import { Aws } from 'aws-cdk-lib';
import type { Settings } from '../settings/schema.ts';
import { logNamespace } from '../watch/log-counts.ts';
import { folders, layout } from './image-layout.ts';

export const consumerPort = 6707;

/** consumer.json; `name` is the stream's, and the application's, which the lease table is named after. */
export function consumerConfig(
  settings: Settings,
  name: string,
  bucket: string,
  store: Record<string, unknown>,
): Record<string, unknown> {
  return {
    application: name,
    stream: { name, region: Aws.REGION },
    archive: { bucket, region: Aws.REGION },
    store,
    hot_days: settings.hot_days,
    retention: { days: settings.hot_days },
    ...(settings.counters && {
      counters: { namespace: logNamespace(settings), ...settings.counters },
    }),
    http: { port: consumerPort },
    java: { bin: layout.java, jars: layout.jars },
    state_dir: `${folders.state}/consumer`,
  };
}
