import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { ConsumerConfig } from '../config.ts';
import { daemonProperties, launcherName, launcherScript, logbackXml } from './properties.ts';

/**
 * Node's flags for a shard's process: catastrophic expressions fall back to the linear-time engine (D14), and
 * documents that wait for the store's answer are not copied twice meanwhile, at 48 MiB of memory more.
 */
const nodeFlags = [
  '--enable-experimental-regexp-engine-on-excessive-backtracks',
  '--max-old-space-size=512',
  '--max-semi-space-size=32',
];

const child = fileURLToPath(new URL('../child.ts', import.meta.url));

/**
 * Writes what the daemon needs into the state folder and returns java's arguments.
 * @throws MillraceError STATE_UNWRITABLE or ENGINE_MISSING
 */
export function prepareDaemon(
  config: ConsumerConfig,
  configFile: string,
  worker: string,
): { args: string[]; propertiesFile: string } {
  const folder = config.state_dir;
  const propertiesFile = join(folder, 'kcl.properties');
  const logFile = join(folder, 'logback.xml');
  if (!hasJars(config.java.jars)) {
    throw new MillraceError('ENGINE_MISSING', `no jars of the KCL in ${config.java.jars}`, {
      hint: 'java.jars is the folder with amazon-kinesis-client-multilang and what it depends on',
    });
  }
  const command = [
    process.execPath,
    ...nodeFlags,
    child,
    '--config',
    configFile,
    '--main-pid',
    String(process.pid),
  ];
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(propertiesFile, daemonProperties(config, worker));
    writeFileSync(logFile, logbackXml);
    writeFileSync(join(folder, launcherName), launcherScript(command));
  } catch (cause) {
    throw new MillraceError('STATE_UNWRITABLE', `${folder}: ${messageOf(cause)}`, { cause });
  }
  const args = [
    // Grown only when needed: the JVM would begin with a share of the machine.
    '-Xms64m',
    `-Xmx${config.java.heap_mb}m`,
    '-XX:+UseSerialGC',
    // A JVM that goes on after it had no memory has dead threads, and shards that nobody reads.
    '-XX:+ExitOnOutOfMemoryError',
    // Stand-ins of Kinesis cut CBOR answers at 16 KB; JSON costs little beside the blocks.
    '-Daws.cborEnabled=false',
    `-Dlogback.configurationFile=${logFile}`,
    '-cp',
    join(config.java.jars, '*'),
    'software.amazon.kinesis.multilang.MultiLangDaemon',
    '--properties-file',
    propertiesFile,
  ];
  return { args, propertiesFile };
}

function hasJars(folder: string): boolean {
  try {
    return readdirSync(folder).some((name) => name.startsWith('amazon-kinesis-client-multilang'));
  } catch {
    return false;
  }
}
