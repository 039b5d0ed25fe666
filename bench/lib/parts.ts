import { spawnSync } from 'node:child_process';
import { type PartStatus, parts, type StackUnderTest } from '../../e2e/harness/stack.ts';
import { processCpuS, processTree } from './measure.ts';

/** `shared`: everything on all cores; `apart`: the store has the first one for itself, as one of its own machine. */
export type Cores = 'shared' | 'apart';

/** The processes of a stack that runs, and what they use. */
export class StackParts {
  readonly #parts: PartStatus[];

  static async of(stack: StackUnderTest): Promise<StackParts> {
    return new StackParts(await parts(stack));
  }

  private constructor(all: PartStatus[]) {
    this.#parts = all;
  }

  /** CPU seconds used by each part up to now; the consumer's daemon and its children apart. */
  cpuS(): Map<string, number> {
    const used = new Map<string, number>();
    for (const { part, pid, command } of this.#processes()) {
      const name = part === 'consumer' && command === 'java' ? 'consumer: KCL daemon' : part;
      used.set(name, (used.get(name) ?? 0) + processCpuS(pid));
    }
    return used;
  }

  /** The store on the first core and everything else, this process too, on the others; or all on all. */
  useCores(cores: Cores): void {
    const [first, others] = cores === 'apart' ? ['0', '1-63'] : ['0-63', '0-63'];
    pin(process.pid, others);
    for (const { part, pid } of this.#processes()) pin(pid, part === 'opensearch' ? first : others);
  }

  #processes(): { part: string; pid: number; command: string }[] {
    return this.#parts.flatMap(({ name, pid }) =>
      pid === undefined
        ? []
        : processTree(pid).map((each) => ({ part: name, pid: each.pid, command: each.name })),
    );
  }
}

function pin(pid: number, cores: string): void {
  const { status, stderr, error } = spawnSync('taskset', ['-a', '-c', '-p', cores, String(pid)]);
  if (status !== 0) throw new Error(`taskset: ${error?.message ?? stderr.toString()}`);
}
