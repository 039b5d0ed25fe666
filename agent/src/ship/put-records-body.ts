import type { StreamRecord } from './stream-client.ts';

/** Bytes that a request's body takes at most. */
export function bodyBytesMax(streamName: string, records: StreamRecord[]): number {
  const names = records.reduce((sum, record) => sum + record.partitionKey.length * 6, streamName.length * 6);
  const data = records.reduce((sum, record) => sum + Math.ceil(record.data.length / 3) * 4, 0);
  return names + data + (records.length + 1) * 64;
}

/** PutRecords in JSON 1.1, straight into one buffer: the client's own serializer makes several on its way. */
export function writeBody(into: Buffer, streamName: string, records: StreamRecord[]): Buffer {
  let at = into.write(`{"StreamName":${JSON.stringify(streamName)},"Records":[`);
  let separator = '';
  for (const { data, partitionKey } of records) {
    at += into.write(`${separator}{"PartitionKey":${JSON.stringify(partitionKey)},"Data":"`, at);
    at = writeBase64(into, at, data);
    at += into.write('"}', at, 'latin1');
    separator = ',';
  }
  at += into.write(']}', at, 'latin1');
  return into.subarray(0, at);
}

/** Multiple of 3. Text of this size lies in V8's young generation, where it costs next to nothing to collect. */
const stretch = 24 * 1024;

function writeBase64(into: Buffer, start: number, data: Uint8Array): number {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
  let at = start;
  for (let from = 0; from < bytes.length; from += stretch) {
    at += into.write(bytes.toString('base64', from, Math.min(from + stretch, bytes.length)), at, 'latin1');
  }
  return at;
}
