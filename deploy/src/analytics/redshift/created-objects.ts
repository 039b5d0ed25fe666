import { Type } from 'typebox';
import { Value } from 'typebox/value';

/** Of an SQS message, what is used here. */
export interface QueuedMessage {
  messageId: string;
  body: string;
  attributes: { ApproximateReceiveCount: string };
}

/** Of S3's event notifications (versions 2.1 to 2.4), what is used here. */
const NotificationSchema = Type.Object({
  Records: Type.Array(
    Type.Object({
      eventName: Type.String(),
      s3: Type.Object({
        bucket: Type.Object({ name: Type.String() }),
        object: Type.Object({ key: Type.String(), size: Type.Optional(Type.Integer()) }),
      }),
    }),
  ),
});

/** What S3 sends when a notification is set up. */
const TestEventSchema = Type.Object({ Event: Type.Literal('s3:TestEvent') });

/**
 * Keys of the NDJSON objects that a message tells of, decoded; none for what concerns other objects.
 * @throws Error when it is no notification of S3, or of another bucket
 */
export function createdObjects(
  { body }: Pick<QueuedMessage, 'body'>,
  { bucket, prefix }: { bucket: string; prefix: string },
): string[] {
  const told: unknown = JSON.parse(body);
  if (Value.Check(TestEventSchema, told)) return [];
  if (!Value.Check(NotificationSchema, told)) throw new Error(`no S3 notification: ${body.slice(0, 200)}`);
  return told.Records.flatMap(({ eventName, s3 }) => {
    // Queues get the name with "s3:" before it, other receivers without.
    if (!/^(?:s3:)?ObjectCreated:/.test(eventName)) return [];
    if (s3.bucket.name !== bucket)
      throw new Error(`a notification of bucket ${s3.bucket.name}, not ${bucket}: is the queue shared?`);
    const key = decodeURIComponent(s3.object.key.replaceAll('+', ' '));
    return key.startsWith(`${prefix}ndjson/`) && key.endsWith('.ndjson.gz') ? [key] : [];
  });
}
