import { setTimeout } from 'node:timers/promises';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { readLoaderConfig } from './config.ts';
import type { QueuedMessage } from './created-objects.ts';
import { load } from './loader.ts';
import { redshift } from './warehouse.ts';

const config = readLoaderConfig(process.env);
const s3 = new S3Client();
const warehouse = redshift(config);

/** The Lambda function: messages of a queue that S3 tells of new objects; those that failed come again. */
export async function handler(
  event: { Records: QueuedMessage[] },
  context: { getRemainingTimeInMillis(): number },
): Promise<{ batchItemFailures: { itemIdentifier: string }[] }> {
  const failed = await load(
    {
      target: {
        bucket: config.MILLRACE_BUCKET,
        prefix: config.MILLRACE_PREFIX,
        copyRoleArn: config.MILLRACE_COPY_ROLE_ARN,
        schema: config.MILLRACE_SCHEMA,
      },
      warehouse,
      putJson: async (Key, Body) => {
        const ContentType = 'application/json';
        await s3.send(new PutObjectCommand({ Bucket: config.MILLRACE_BUCKET, Key, Body, ContentType }));
      },
      wait: setTimeout,
      log: (line) => console.log(JSON.stringify(line)),
    },
    event.Records,
    () => context.getRemainingTimeInMillis(),
  );
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}
