import { MillraceError } from '@millrace/core/errors.ts';
import { request } from '@millrace/core/runtime/node-http.ts';
import { sizeText, time } from '../config/values.ts';
import type { DrainReport } from '../stopping.ts';
import { controlPath } from './server.ts';

/**
 * `agent drain`: has the agent on `stateDir` ship everything and end. The exit code is 0 when nothing is left.
 * @throws MillraceError USAGE when no agent runs there, or the deadline is none
 */
export async function drainAgent(
  stateDir: string,
  deadline: string,
): Promise<{ code: number; text: string }> {
  const deadlineMs = time(0, 86_400_000).read(deadline, (what) => {
    throw new MillraceError('USAGE', `--deadline: ${what}`);
  });
  const report = await requestDrain(stateDir, deadlineMs);
  return { code: report.drained ? 0 : 1, text: `${reportText(report)}\n` };
}

/**
 * The same for a program. Two that ask at once get one drain, with the deadline of the first.
 * @throws MillraceError USAGE when no agent runs there; whatever the signal is aborted with
 */
export async function requestDrain(
  stateDir: string,
  deadlineMs: number,
  signal?: AbortSignal,
): Promise<DrainReport> {
  return (await post(stateDir, `/drain?deadline_ms=${Math.round(deadlineMs)}`, signal)) as DrainReport;
}

function reportText(report: DrainReport): string {
  const spilled =
    report.spilledObjects > 0 ? `; ${report.spilledObjects} objects were uploaded to the archive` : '';
  if (report.drained) return `drained: everything read is delivered${spilled}`;
  const unread = report.unreadBytes > 0 ? `, ${sizeText(report.unreadBytes)} of files are unread` : '';
  return `not drained: ${report.blocksLeft} blocks (${sizeText(report.bytesLeft)}) are left in the outbox${unread}${spilled}`;
}

function post(stateDir: string, path: string, signal?: AbortSignal): Promise<unknown> {
  const socketPath = controlPath(stateDir);
  return new Promise((resolve, reject) => {
    const options = { socketPath, path, method: 'POST', ...(signal ? { signal } : {}) };
    const asked = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new MillraceError('USAGE', `the agent refused: ${text}`));
      });
      response.on('error', reject);
    });
    asked.on('error', (cause: NodeJS.ErrnoException) => {
      const denied = cause.code === 'EACCES' || cause.code === 'EPERM';
      const hint = denied
        ? 'run this as the user of the agent, or as root'
        : 'is the agent running, with this configuration?';
      reject(new MillraceError('USAGE', `no agent answers at ${socketPath}`, { cause, hint }));
    });
    asked.end();
  });
}
