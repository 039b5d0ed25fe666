import { mkdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MillraceError } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { appPart } from './apps.ts';
import {
  agentConfigText,
  consumerConfig,
  jsonText,
  localNames,
  type StackPaths,
  searchApiConfig,
  stackPaths,
  writeFileAtOnce,
} from './config-files.ts';
import { type EngineHost, kinesisEngine, leasesEngine, s3Engine } from './engines/engines.ts';
import { opensearchEngine } from './engines/opensearch.ts';
import type { EngineFiles } from './fetch.ts';
import { sendFirstLine } from './first-line.ts';
import { identify } from './identity.ts';
import type { Java } from './java.ts';
import { type FileLock, tryLock } from './lock.ts';
import { rotateLogs } from './log-rotation.ts';
import { type LogChoice, logSources } from './log-sources.ts';
import { stopOrphans } from './orphans.ts';
import { type Overrides, withOverrides } from './overrides.ts';
import { partEnv } from './part-env.ts';
import { requireFreePorts, type StackPorts, stackPorts } from './ports.ts';
import { type PartSpec, startPart, waitReady } from './process.ts';
import { readRunFile, writeRunFile } from './run-file.ts';
import { createStream } from './stream.ts';
import { createSupervisor, type PartStatus, type Stage } from './supervisor.ts';

export interface StackOptions {
  /** The project's root folder. */
  root: string;
  /** Absolute. */
  dataDir: string;
  portBase: number;
  files: EngineFiles;
  java: Java;
  env: NodeJS.ProcessEnv;
  /** OpenSearch's heap, as Java writes it. */
  heap: string;
  /** Shards of the stream, when it is made. */
  shards: number;
  logs: LogChoice;
  overrides: Overrides;
  clock: Clock;
  /** Called after every change of any part. */
  changed(parts: PartStatus[]): void;
}

/** The whole of Millrace on one machine: engines, consumer, search API and agent in one data folder. */
export interface Stack {
  readonly paths: StackPaths;
  readonly ports: StackPorts;
  /** Search API and page. */
  readonly url: string;
  /** Starts all parts; resolves when a test line has made the whole trip, with its milliseconds. */
  start(): Promise<number>;
  /** Agent first, engines last, each within its grace; then the data folder is free again. */
  stop(): Promise<void>;
  /** Ends everything at once, without grace. */
  kill(): void;
  status(): PartStatus[];
}

const logBytesMax = 16 * 1024 * 1024;
const diskBytesMin = 1024 ** 3;
const firstLineMsMax = 180_000;

/**
 * Takes the data folder, stops what a killed supervisor left in it, checks ports and disk, and writes the configs.
 * @throws MillraceError STATE_LOCKED, PORT_TAKEN, DISK_FULL
 */
export async function openStack(options: StackOptions): Promise<Stack> {
  const { clock, dataDir } = options;
  const paths = stackPaths(dataDir);
  const ports = stackPorts(options.portBase);
  const url = `http://127.0.0.1:${ports.searchApi}`;
  mkdirSync(paths.logs, { recursive: true });
  const held = takeFolder(paths);
  try {
    await stopOrphans(paths, 15_000, clock);
    await requireFreePorts(ports);
    await requireDisk(dataDir);
    writeConfigs(options, paths, ports);
  } catch (error) {
    held.release();
    throw error;
  }

  const startedAt = clock.now();
  const stopping = new AbortController();
  let ready = false;
  const supervisor = createSupervisor({
    stages: stagesOf(options, paths, ports),
    clock,
    restart: { baseMs: 500, maxMs: 30_000 },
    steadyMs: 60_000,
    runner: {
      start: (spec) => startPart(spec, join(paths.logs, `${spec.name}.log`), clock),
      waitReady: (spec, part, signal) =>
        waitReady(spec, part, join(paths.logs, `${spec.name}.log`), clock, signal),
    },
    changed() {
      const parts = supervisor.status();
      record(parts);
      options.changed(parts);
    },
  });

  function record(parts: PartStatus[]): void {
    const identified = parts.map((part) => ({
      ...part,
      identity: part.pid === undefined ? undefined : identify(part.pid),
    }));
    const run = { supervisor: identify(process.pid), portBase: options.portBase, url, startedAt, ready };
    try {
      writeRunFile(paths, { ...run, parts: identified });
    } catch {
      // A full disk must not end the supervisor: `status` reads what was last written, the next change writes again.
    }
  }

  async function keepLogsBounded(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        rotateLogs(paths.logs, logBytesMax);
      } catch {
        // No room for the copy, most likely; the file is looked at again in ten seconds.
      }
      await clock.sleep(10_000, stopping.signal);
    }
  }

  return {
    paths,
    ports,
    url,
    async start() {
      await supervisor.start();
      const tookMs = await sendFirstLine(paths, url, clock, firstLineMsMax, stopping.signal);
      ready = true;
      record(supervisor.status());
      void keepLogsBounded();
      return tookMs;
    },
    async stop() {
      stopping.abort();
      await supervisor.stop();
      held.release();
    },
    kill() {
      stopping.abort();
      supervisor.kill();
    },
    status: () => supervisor.status(),
  };
}

function takeFolder(paths: StackPaths): FileLock {
  const held = tryLock(paths.lock);
  if (held !== undefined) return held;
  const run = readRunFile(paths);
  const who =
    run === undefined ? 'another millrace' : `a millrace with pid ${run.supervisor.pid} on ${run.url}`;
  throw new MillraceError('STATE_LOCKED', `${paths.dataDir} is in use by ${who}`, {
    hint: 'end it with ./millrace down --data DIR, or give this one another --data and --port-base',
  });
}

async function requireDisk(folder: string): Promise<void> {
  const disk = await statfs(folder);
  const free = disk.bavail * disk.bsize;
  if (free >= diskBytesMin) return;
  throw new MillraceError(
    'DISK_FULL',
    `${folder} has ${Math.floor(free / 1024 ** 2)} MB left, 1 GB is needed`,
    {
      hint: 'make room, or put the data elsewhere with --data DIR',
    },
  );
}

function writeConfigs(options: StackOptions, paths: StackPaths, ports: StackPorts): void {
  for (const folder of [
    paths.agentState,
    paths.self,
    paths.consumerState,
    ...(options.logs.demo ? [paths.demo] : []),
  ]) {
    mkdirSync(folder, { recursive: true });
  }
  const { overrides } = options;
  const agent = agentConfigText(paths, ports, logSources(paths, options.logs), overrides.agent);
  writeFileAtOnce(paths.agentConfig, agent);
  const consumer = consumerConfig(paths, ports, options.java, options.files);
  writeFileAtOnce(paths.consumerConfig, jsonText(withOverrides(consumer, overrides.consumer)));
  const searchApi = withOverrides(searchApiConfig(paths, ports), overrides['search-api']);
  writeFileAtOnce(paths.searchApiConfig, jsonText(searchApi));
}

/** Engines together, then what works on them, then what feeds them; stopped in reverse, so the agent can drain. */
function stagesOf(options: StackOptions, paths: StackPaths, ports: StackPorts): Stage[] {
  const env = partEnv(options.env, paths.dataDir);
  const host: EngineHost = { files: options.files, java: options.java, env };
  const app = (name: 'agent' | 'consumer' | 'search-api', config: string, port: number, stopMsMax: number) =>
    appPart({ name, root: options.root, config, port, env, startMsMax: 120_000, stopMsMax });
  const feeding = [app('agent', paths.agentConfig, ports.agent, 20_000)];
  if (options.logs.demo) feeding.push(demoPart(options, paths, env));
  return [
    {
      parts: [
        kinesisEngine(host, ports.kinesis, paths.kinesis),
        leasesEngine(host, ports.leases, paths.leases),
        s3Engine(host, ports.s3, paths.s3, [localNames.bucket]),
        opensearchEngine(host, {
          port: ports.opensearch,
          transportPort: ports.opensearchTransport,
          folder: paths.opensearch,
          heap: options.heap,
        }),
      ],
      prepare: () =>
        createStream(
          `http://127.0.0.1:${ports.kinesis}`,
          localNames.kinesisStream,
          options.shards,
          options.clock,
        ),
    },
    {
      parts: [
        app('consumer', paths.consumerConfig, ports.consumer, 40_000),
        app('search-api', paths.searchApiConfig, ports.searchApi, 10_000),
      ],
    },
    { parts: feeding },
  ];
}

function demoPart(options: StackOptions, paths: StackPaths, env: NodeJS.ProcessEnv): PartSpec {
  return {
    name: 'demo',
    command: process.execPath,
    args: [fileURLToPath(new URL('./demo/main.ts', import.meta.url)), paths.demo],
    env: { ...env, NODE_NO_WARNINGS: '1' },
    cwd: options.root,
    ports: [],
    ready: async () => true,
    startMsMax: 5_000,
    stopMsMax: 5_000,
  };
}
