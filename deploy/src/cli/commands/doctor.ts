import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isMillraceError, messageOf } from '@millrace/core/errors.ts';
import { jsonText, stackPaths } from '../../local/config-files.ts';
import { missingEngines } from '../../local/fetch.ts';
import { isAlive } from '../../local/identity.ts';
import { findJava, findMaven, javaVersionMin } from '../../local/java.ts';
import { requireFreePorts, stackPorts } from '../../local/ports.ts';
import { readRunFile } from '../../local/run-file.ts';
import { type CliContext, type Command, exitCodes, integerOption, type Parsed } from '../command.ts';
import { dataDirOf, dataOption, portBaseOption } from '../stack-options.ts';

/** One thing that `up` needs. */
interface Finding {
  what: string;
  ok: boolean;
  /** What was found, or what is missing. */
  found: string;
  cure?: string;
}

export const doctor: Command = {
  name: 'doctor',
  summary:
    'Look for what `up` needs: Node, Java, Maven, engines, ports, disk; say how to get what is missing.',
  usage: 'doctor [--data DIR] [--port-base N] [--json]',
  options: { data: dataOption, 'port-base': portBaseOption, json: { type: 'boolean', help: 'Print JSON.' } },
  positionals: { min: 0, max: 0 },
  examples: ['./millrace doctor', './millrace doctor --json'],
  exits: [[1, 'something is missing']],
  async run(context, parsed) {
    const findings = await examine(context, parsed);
    const ok = findings.every((finding) => finding.ok);
    if (parsed.flags.json) context.stdout(jsonText({ ok, findings }));
    else for (const finding of findings) context.stdout(line(finding));
    return ok ? exitCodes.ok : exitCodes.failed;
  },
};

async function examine(context: CliContext, parsed: Parsed): Promise<Finding[]> {
  const dataDir = dataDirOf(context, parsed);
  const engines = join(context.root, '.millrace', 'engines');
  const missing = await missingEngines(engines);
  const java = await attempt('java', async () => {
    const found = await findJava(context.env);
    return `${found.version} in ${found.home} (${javaVersionMin} or later is needed)`;
  });
  const maven = await attempt('maven', async () => {
    const found = await findMaven(context.env, await findJava(context.env));
    return found.bin;
  });
  // Maven is for the first start only, and without Java the sentence about Java says it all.
  if (!maven.ok && (missing.length === 0 || !java.ok)) {
    Object.assign(maven, { ok: true, found: 'not found, and not needed now', cure: undefined });
  }
  return [
    { what: 'node', ok: true, found: `${process.versions.node} in ${process.execPath}` },
    java,
    maven,
    {
      what: 'engines',
      ok: true,
      found: missing.length === 0 ? engines : `the first ./millrace up fetches ${missing.join(', ')}`,
    },
    await ports(dataDir, integerOption(parsed, 'port-base', 1024, 65_528)),
    await disk(dataDir, missing.length > 0),
  ];
}

async function attempt(what: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { what, ok: true, found: await look() };
  } catch (error) {
    const cure = isMillraceError(error) ? error.hint : undefined;
    return { what, ok: false, found: messageOf(error), ...(cure !== undefined && { cure }) };
  }
}

async function ports(dataDir: string, base: number): Promise<Finding> {
  const run = readRunFile(stackPaths(dataDir));
  if (run !== undefined && run.portBase === base && isAlive(run.supervisor)) {
    return {
      what: 'ports',
      ok: true,
      found: `${base}-${base + 7}, in use by the stack that runs in ${dataDir}`,
    };
  }
  return attempt('ports', async () => {
    await requireFreePorts(stackPorts(base));
    return `${base}-${base + 7} are free`;
  });
}

async function disk(dataDir: string, fetching: boolean): Promise<Finding> {
  let folder = dataDir;
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const needed = (fetching ? 2 : 1) * 1024 ** 3;
  const found = `${(free / 1024 ** 3).toFixed(1)} GB are free in ${folder}, ${needed / 1024 ** 3} GB are needed`;
  return free >= needed
    ? { what: 'disk', ok: true, found }
    : { what: 'disk', ok: false, found, cure: 'make room, or put the data elsewhere with --data DIR' };
}

function line(finding: Finding): string {
  const cure = finding.cure === undefined ? '' : `\n           ${finding.cure}`;
  return `${finding.ok ? 'ok     ' : 'MISSING'} ${finding.what.padEnd(8)} ${finding.found}${cure}\n`;
}
