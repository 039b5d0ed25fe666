import { Agent, request } from 'node:http';

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

export interface Timed {
  ms: number;
  status: number;
  bytes: number;
}

/** One request on a kept connection, until the last byte of its answer. `text` is a JSON body. */
export function timed(url: string, text?: string): Promise<Timed> {
  const startNs = process.hrtime.bigint();
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      {
        agent,
        method: text === undefined ? 'GET' : 'POST',
        headers: text === undefined ? {} : { 'content-type': 'application/json' },
      },
      (answer) => {
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        answer.on('error', reject);
        answer.on('end', () => {
          const ms = Number(process.hrtime.bigint() - startNs) / 1e6;
          resolve({ ms, status: answer.statusCode ?? 0, bytes });
        });
      },
    );
    call.on('error', reject);
    call.end(text);
  });
}

/** Nearest rank; `share` of 0 to 1. */
export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
