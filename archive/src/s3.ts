import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { awsTimeouts } from './aws-timeouts.ts';
import type { BucketConfig, WriteConfig } from './config.ts';
import type { ObjectStore, UnfinishedUpload } from './object-store.ts';

/** S3 by its official client. Retries are ours, so the client has none. */
export function createS3(config: BucketConfig & Partial<WriteConfig>): ObjectStore {
  const sockets = { keepAlive: true, maxSockets: 16 };
  const client = new S3Client({
    region: config.region,
    // A custom endpoint is an address, not a domain with a host name for each bucket.
    ...(config.endpoint ? { endpoint: config.endpoint, forcePathStyle: true } : {}),
    maxAttempts: 1,
    // Blocks carry checksums of their own, and not every S3 takes checksum trailers.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: new NodeHttpHandler({
      ...awsTimeouts(config.request_timeout_ms),
      httpAgent: new HttpAgent(sockets),
      httpsAgent: new HttpsAgent(sockets),
    }),
  });
  return adapter(client, config.bucket, (key) => writeOptions(config, key));
}

type WriteOptions = Pick<
  PutObjectCommandInput,
  'StorageClass' | 'ServerSideEncryption' | 'SSEKMSKeyId' | 'Tagging'
>;

/** Encryption is for everything; class and tags are for what is kept for years. */
function writeOptions(config: BucketConfig & Partial<WriteConfig>, key: string): WriteOptions {
  const { storage_class: StorageClass, sse_kms_key_id: SSEKMSKeyId, tags = {} } = config;
  const kept = key.startsWith(`${config.prefix}archive/`);
  const Tagging = new URLSearchParams(tags).toString();
  return {
    ...(SSEKMSKeyId === undefined ? {} : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId }),
    ...(kept && StorageClass !== undefined ? { StorageClass } : {}),
    ...(kept && Tagging !== '' ? { Tagging } : {}),
  };
}

function adapter(client: S3Client, bucket: string, options: (key: string) => WriteOptions): ObjectStore {
  const Bucket = bucket;
  return {
    ...uploads(client, bucket, options),
    async put(key, body, signal) {
      const command = new PutObjectCommand({
        Bucket,
        Key: key,
        Body: body,
        IfNoneMatch: '*',
        ...options(key),
      });
      return attempt(async () => {
        await client.send(command, until(signal));
        return 'created' as const;
      }, alreadyThere);
    },
    async size(key, signal) {
      return attempt(
        async () =>
          (await client.send(new HeadObjectCommand({ Bucket, Key: key }), until(signal))).ContentLength ?? 0,
        notThere,
      );
    },
    async read(key, from, to, signal, into) {
      const command = new GetObjectCommand({ Bucket, Key: key, Range: `bytes=${from}-${to - 1}` });
      return attempt(async () => {
        const { Body } = await client.send(command, until(signal));
        return Body === undefined
          ? Buffer.alloc(0)
          : bytesOf(Body as AsyncIterable<Uint8Array>, to - from, into);
      }, notThere);
    },
    async list(prefix, after, signal) {
      return attempt(async () => {
        const page = await client.send(
          new ListObjectsV2Command({ Bucket, Prefix: prefix, MaxKeys: 1_000, ...startAfter(after) }),
          until(signal),
        );
        const objects = (page.Contents ?? []).map((item) => ({
          key: item.Key ?? '',
          bytes: item.Size ?? 0,
          modifiedMs: item.LastModified?.getTime() ?? 0,
        }));
        return { objects, more: page.IsTruncated === true && objects.length > 0 };
      });
    },
    async folders(prefix, signal) {
      return attempt(async () => {
        const folders: string[] = [];
        let token: string | undefined;
        do {
          const page = await client.send(
            new ListObjectsV2Command({
              Bucket,
              Prefix: prefix,
              Delimiter: '/',
              // Not StartAfter: after `a/` comes `a/x`, whose folder is `a/` again.
              ...(token === undefined ? {} : { ContinuationToken: token }),
            }),
            until(signal),
          );
          folders.push(...(page.CommonPrefixes ?? []).map((item) => item.Prefix ?? ''));
          token = page.NextContinuationToken;
        } while (token !== undefined && folders.length < foldersMax);
        return folders;
      });
    },
    async bucketExists(signal) {
      return attempt(
        async () => {
          await client.send(new HeadBucketCommand({ Bucket }), until(signal));
          return true;
        },
        (fault) => (fault.status === 404 ? { answer: false } : undefined),
      );
    },
    close: () => client.destroy(),
  };
}

/** Into one buffer as they come: gathering them first takes twice the time. */
async function bytesOf(
  body: AsyncIterable<Uint8Array>,
  expected: number,
  into: Uint8Array = Buffer.allocUnsafeSlow(expected),
): Promise<Buffer> {
  const room = into.length >= expected ? into : Buffer.allocUnsafeSlow(expected);
  const bytes = Buffer.from(room.buffer, room.byteOffset, expected);
  let length = 0;
  for await (const chunk of body) {
    if (length + chunk.length > expected) throw new Error(`more than the ${expected} bytes asked for`);
    bytes.set(chunk, length);
    length += chunk.length;
  }
  return length === expected ? bytes : bytes.subarray(0, length);
}

const until = (signal?: AbortSignal) => (signal ? { abortSignal: signal } : {});
const startAfter = (key: string | undefined) => (key === undefined ? {} : { StartAfter: key });

const foldersMax = 10_000;

type Uploads = Pick<
  ObjectStore,
  'createUpload' | 'uploadPart' | 'completeUpload' | 'abortUpload' | 'unfinished'
>;

const uploadsMax = 10_000;

function uploads(client: S3Client, bucket: string, options: (key: string) => WriteOptions): Uploads {
  const Bucket = bucket;
  return {
    async createUpload(key, signal) {
      return attempt(async () => {
        const command = new CreateMultipartUploadCommand({ Bucket, Key: key, ...options(key) });
        const { UploadId } = await client.send(command, until(signal));
        if (UploadId === undefined) throw new Error('CreateMultipartUpload answered no upload id');
        return UploadId;
      });
    },
    async uploadPart({ key, upload, number }, body, signal) {
      const command = new UploadPartCommand({
        Bucket,
        Key: key,
        UploadId: upload,
        PartNumber: number,
        Body: body,
      });
      return attempt(async () => {
        const { ETag } = await client.send(command, until(signal));
        if (ETag === undefined) throw new Error('UploadPart answered no tag');
        return { tag: ETag };
      }, gone);
    },
    async completeUpload(key, upload, tags, signal) {
      const command = new CompleteMultipartUploadCommand({
        Bucket,
        Key: key,
        UploadId: upload,
        IfNoneMatch: '*',
        MultipartUpload: { Parts: tags.map((ETag, i) => ({ ETag, PartNumber: i + 1 })) },
      });
      return attempt(
        async () => {
          await client.send(command, until(signal));
          return 'created' as const;
        },
        (fault) => alreadyThere(fault) ?? gone(fault),
      );
    },
    async abortUpload(key, upload, signal) {
      const command = new AbortMultipartUploadCommand({ Bucket, Key: key, UploadId: upload });
      await attempt(async () => {
        await client.send(command, until(signal));
        return 'done' as const;
      }, gone);
    },
    async unfinished(prefix, signal) {
      return attempt(async () => {
        const found: UnfinishedUpload[] = [];
        let from: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
        while (from !== undefined && found.length < uploadsMax) {
          const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
            Bucket,
            Prefix: prefix,
            ...from,
          });
          const page = await client.send(command, until(signal));
          for (const { Key: key, UploadId: upload, Initiated: started } of page.Uploads ?? []) {
            if (key !== undefined && upload !== undefined && started !== undefined) {
              found.push({ key, upload, startedMs: started.getTime() });
            }
          }
          const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
          from =
            page.IsTruncated && KeyMarker !== undefined
              ? { KeyMarker, ...(UploadIdMarker === undefined ? {} : { UploadIdMarker }) }
              : undefined;
        }
        return found;
      });
    },
  };
}

interface Fault {
  name: string;
  status: number | undefined;
}

/** A fault that is an answer, as in "no such object". */
type Expected<T> = (fault: Fault) => { answer: T } | undefined;

const alreadyThere: Expected<'exists'> = (fault) => (fault.status === 412 ? { answer: 'exists' } : undefined);
const notThere: Expected<undefined> = (fault) =>
  fault.name === 'NoSuchKey' || fault.name === 'NotFound' ? { answer: undefined } : undefined;
// InvalidPart: the upload is there, but a part that was acknowledged is not.
const gone: Expected<'gone'> = (fault) =>
  fault.name === 'NoSuchUpload' || fault.name === 'InvalidPart' ? { answer: 'gone' } : undefined;

/** Runs a call; `expected` turns a fault into an answer, any other is ARCHIVE_UNAVAILABLE. */
async function attempt<T, E = never>(call: () => Promise<T>, expected?: Expected<E>): Promise<T | E> {
  try {
    return await call();
  } catch (error) {
    const fault = faultOf(error);
    const known = expected?.(fault);
    if (known !== undefined) return known.answer;
    throw new MillraceError('ARCHIVE_UNAVAILABLE', `S3: ${fault.name}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function faultOf(error: unknown): Fault {
  const { name, $metadata } = (error ?? {}) as { name?: string; $metadata?: { httpStatusCode?: number } };
  return { name: name ?? 'Error', status: $metadata?.httpStatusCode };
}
