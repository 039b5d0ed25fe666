import { spawnSync } from 'node:child_process';
import { type _Object, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { BucketConfigSchema } from '@millrace/archive/config.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { createS3 } from '@millrace/archive/s3.ts';
import { decodeFooter, footerFrameLength } from '@millrace/core/archive/decode-footer.ts';
import type { Footer } from '@millrace/core/archive/footer.ts';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { generationText } from '@millrace/core/ids/generation.ts';
import { decodeHeader } from '@millrace/core/wire/decode.ts';
import { awsEnvironment, clientOptions, endpoint, type StackUnderTest } from './stack.ts';

interface ArchiveObject {
  key: string;
  bytes: Buffer;
  footer: Footer;
}

/** What the archive holds of one generation, put together from intervals. */
export interface ArchivedFile {
  path: string;
  bytes: Buffer;
}

function client(stack: StackUnderTest): S3Client {
  return new S3Client({ ...clientOptions, endpoint: endpoint(stack, 's3'), forcePathStyle: true });
}

/** The stack's bucket as the programs use it; their credentials are in the environment from then on. */
export function archiveObjects(stack: StackUnderTest): ObjectStore {
  Object.assign(process.env, awsEnvironment);
  const bucket = { bucket: 'millrace', region: 'us-east-1', endpoint: endpoint(stack, 's3') };
  return createS3(validateConfig(BucketConfigSchema, bucket, 'test'));
}

export async function listKeys(stack: StackUnderTest, prefix?: string): Promise<string[]> {
  return (await listObjects(stack, prefix)).map(({ Key = '' }) => Key);
}

/** Of all objects together. */
export async function archiveBytes(stack: StackUnderTest): Promise<number> {
  return (await listObjects(stack)).reduce((sum, { Size = 0 }) => sum + Size, 0);
}

async function listObjects(stack: StackUnderTest, prefix = 'archive/'): Promise<_Object[]> {
  const s3 = client(stack);
  const objects: _Object[] = [];
  let token: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({
        Bucket: 'millrace',
        Prefix: prefix,
        ...(token ? { ContinuationToken: token } : {}),
      }),
    );
    objects.push(...(page.Contents ?? []));
    token = page.NextContinuationToken;
  } while (token);
  s3.destroy();
  return objects;
}

async function readObjects(stack: StackUnderTest, prefix?: string): Promise<ArchiveObject[]> {
  const s3 = client(stack);
  const objects: ArchiveObject[] = [];
  for (const key of await listKeys(stack, prefix)) {
    const answer = await s3.send(new GetObjectCommand({ Bucket: 'millrace', Key: key }));
    const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
    const at = bytes.length - footerFrameLength(bytes.subarray(-64));
    objects.push({ key, bytes, footer: decodeFooter(bytes.subarray(at), at) });
  }
  s3.destroy();
  return objects;
}

/** Footers of the objects under a prefix, by key. */
export async function readFooters(stack: StackUnderTest, prefix: string): Promise<Map<string, Footer>> {
  const objects = await readObjects(stack, prefix);
  return new Map(objects.map(({ key, footer }) => [key, footer]));
}

/**
 * The archive as any reader sees it: one of each block id, payloads decoded by the `zstd` program and not by our
 * code, bytes laid where their runs say. A generation with a hole is an error.
 */
export async function readArchive(
  stack: StackUnderTest,
  wanted: (path: string) => boolean,
): Promise<ArchivedFile[]> {
  const seen = new Set<string>();
  const files = new Map<string, { path: string; parts: { from: number; bytes: Buffer }[] }>();
  for (const object of await readObjects(stack)) {
    const blocks = object.footer.blocks.filter((block) => !seen.has(block.id));
    for (const block of blocks) seen.add(block.id);
    const raw = blocks.map((block) => object.bytes.subarray(block.offset, block.offset + block.length));
    const headers = raw.map((bytes) => decodeHeader(bytes));
    const text = zstd(Buffer.concat(raw));
    let at = 0;
    for (const { header } of headers) {
      for (const run of header.runs) {
        const source = header.sources[run.source];
        const bytes = text.subarray(at, at + run.size);
        at += run.size + (run.filler ? 1 : 0);
        if (source === undefined || !wanted(source.path)) continue;
        const name = generationText(source.generation);
        const file = files.get(name) ?? { path: source.path, parts: [] };
        file.parts.push({ from: run.from, bytes });
        files.set(name, file);
      }
    }
    if (at !== text.length)
      throw new Error(`${object.key}: zstd printed ${text.length} bytes, headers say ${at}`);
  }
  return [...files.values()].map(({ path, parts }) => ({ path, bytes: join(path, parts) }));
}

function zstd(input: Buffer): Buffer {
  if (input.length === 0) return input;
  const { status, stdout, stderr } = spawnSync('zstd', ['-dcq'], { input, maxBuffer: 1024 ** 3 });
  if (status !== 0) throw new Error(`zstd: ${stderr.toString()}`);
  return stdout;
}

function join(path: string, parts: { from: number; bytes: Buffer }[]): Buffer {
  const ordered = parts.sort((a, b) => a.from - b.from);
  let at = 0;
  for (const part of ordered) {
    if (part.from !== at)
      throw new Error(`${path}: bytes ${at} to ${part.from} are ${part.from > at ? 'missing' : 'doubled'}`);
    at += part.bytes.length;
  }
  return Buffer.concat(ordered.map((part) => part.bytes));
}
