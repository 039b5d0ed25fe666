import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pythonTool } from './python-tool.ts';

/**
 * What a schema cannot say is no fault: that a query, a time or a cursor is well formed. Everything else that
 * schemathesis checks is: statuses, bodies, content types and methods as documented, and never a 5xx.
 */
const settings = `
hooks = "hooks.py"

[checks.positive_data_acceptance]
enabled = false

[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 413, 415, 429, 431]
`;

/** It knows no NDJSON. */
const hooks = `
import schemathesis

@schemathesis.serializer("application/x-ndjson")
def ndjson(ctx, value):
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else str(value).encode()
`;

/** Runs schemathesis against a server's own document; resolves to its exit code. What it found is on stdout. */
export async function runSchemathesis(url: string, key: string, minutes: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-schemathesis-'));
  const config = join(folder, 'schemathesis.toml');
  writeFileSync(config, settings);
  writeFileSync(join(folder, 'hooks.py'), hooks);
  const child = spawn(
    await pythonTool('schemathesis', 'schemathesis==4.32.5'),
    [
      '--config-file',
      config,
      'run',
      `${url}/docs/json`,
      ...['--url', url, '--header', `Authorization: Bearer ${key}`],
      ...['--max-time', String(Math.ceil(minutes * 60)), '--continue-on-failure', '--no-color'],
      // They have no end.
      ...['--exclude-path', '/api/v1/tail', '--exclude-path', '/api/v1/tail/ws'],
      ...['--warnings', 'off', '--request-timeout', '40'],
    ],
    { cwd: folder, stdio: 'inherit' },
  );
  const [code] = await once(child, 'exit');
  return code ?? 1;
}
