import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { pythonWith } from './clients.ts';

/** The moto project's stand-in for services of AWS that no other engine here has, on a port of its own. */
export async function startMoto(): Promise<{ endpoint: string; stop(): void }> {
  const python = await pythonWith('moto[server]==5.2.5');
  const program = [
    'from moto.moto_server.threaded_moto_server import ThreadedMotoServer',
    'server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)',
    'server.start()',
    'print(server.get_host_and_port()[1], flush=True)',
    'import threading; threading.Event().wait()',
  ].join('\n');
  const child = spawn(python, ['-c', program], { stdio: ['ignore', 'pipe', 'ignore'] });
  process.once('exit', () => child.kill());
  // Before the port come sentences of its own.
  for await (const line of createInterface({ input: child.stdout }))
    if (/^\d+$/.test(line)) return { endpoint: `http://127.0.0.1:${line}`, stop: () => child.kill() };
  throw new Error('moto ended before it listened');
}
