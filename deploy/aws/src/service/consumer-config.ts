import { Aws } from 'aws-cdk-lib';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Settings } from '../settings/schema.ts';
import type { Parts } from '../stacks/parts.ts';
import type { PartStack } from '../stacks/stack.ts';
import { logNamespace } from '../watch/log-counts.ts';
import { folders, layout } from './image-layout.ts';
import { storeAccess } from './store-access.ts';
import type { TaskOptions } from './task.ts';

export const consumerPort = 6707;

/** What tasks of the consumer's image have in common: its configuration with secrets, and what the store asks for. */
export function consumerProgram(
  stack: PartStack,
  { access, archive, images, store }: Parts,
): {
  program: Pick<TaskOptions, 'files' | 'image' | 'images' | 'key' | 'secrets'>;
  storeRights: PolicyStatement[];
} {
  const { settings, prefix } = stack;
  const into = storeAccess(settings, store);
  const config = consumerConfig(settings, prefix, archive.bucket.bucketName, into.store);
  return {
    program: {
      image: 'consumer',
      images,
      key: access.key,
      files: { 'consumer.json': config },
      secrets: into.secrets,
    },
    storeRights: into.rights,
  };
}

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
    archive: {
      bucket,
      region: Aws.REGION,
      ...(settings.analytics === undefined ? {} : { layout: 'blocks+ndjson' }),
    },
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
