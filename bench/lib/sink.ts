import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a null Kinesis has been sent. */
export interface SinkStats {
  requests: number;
  records: number;
  /** Request bodies. */
  wireBytes: number;
  /** The records' data, decoded from base64. */
  dataBytes: number;
  /** Wall-clock time of the last answer, milliseconds; 0: none yet. */
  lastMs: number;
}

export interface Sink {
  port: number;
  stats(): Promise<SinkStats>;
}

/** A Kinesis that accepts everything, for as long as `work` takes. */
export async function withSink<T>(work: (sink: Sink) => Promise<T>): Promise<T> {
  const main = fileURLToPath(new URL('./null-kinesis.ts', import.meta.url));
  const child = spawn(process.execPath, [main], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [line] = await once(child.stdout, 'data');
  const port = Number(String(line));
  try {
    return await work({
      port,
      stats: async () => (await fetch(`http://127.0.0.1:${port}`)).json() as Promise<SinkStats>,
    });
  } finally {
    child.kill();
    // Its CPU must not be counted with what is measured next.
    await exited;
  }
}
