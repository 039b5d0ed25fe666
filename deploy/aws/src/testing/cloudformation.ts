import type { Template } from './synth.ts';

/**
 * What CloudFormation holds between stacks: one that imports finds what it imports, and an export that another stack
 * imports can neither go nor be deleted with its stack.
 */
export class Deployed {
  readonly #stacks: Map<string, Template>;

  constructor(stacks: Record<string, Template>) {
    this.#stacks = new Map(Object.entries(stacks));
  }

  get names(): string[] {
    return [...this.#stacks.keys()].sort();
  }

  /** As `cdk deploy --exclusively`. */
  deploy(name: string, template: Template): void {
    this.#holdUsed(name, exportsOf(template));
    const there = new Set([...this.#stacks.values()].flatMap((each) => [...exportsOf(each)]));
    for (const wanted of importsOf(template))
      if (!there.has(wanted)) throw new Error(`${name}: no export named ${wanted} found`);
    this.#stacks.set(name, template);
  }

  /** As `cdk deploy --all`, which takes the stacks in this order. */
  deployAll(stacks: Record<string, Template>): void {
    for (const [name, template] of Object.entries(stacks)) this.deploy(name, template);
  }

  /** As `cdk destroy --exclusively`. */
  destroy(name: string): void {
    this.#holdUsed(name, new Set());
    this.#stacks.delete(name);
  }

  #holdUsed(name: string, left: Set<string>): void {
    const gone = [...exportsOf(this.#stacks.get(name))].filter((each) => !left.has(each));
    for (const [other, template] of this.#stacks)
      for (const each of gone)
        if (importsOf(template).has(each)) throw new Error(`${name}: export ${each} is in use by ${other}`);
  }
}

function exportsOf(template: Template | undefined): Set<string> {
  const outputs = Object.values(template?.Outputs ?? {}) as { Export?: { Name: string } }[];
  return new Set(outputs.flatMap(({ Export }) => (Export === undefined ? [] : [Export.Name])));
}

function importsOf(template: Template): Set<string> {
  const found = JSON.stringify(template).matchAll(/"Fn::ImportValue":"([^"]+)"/g);
  return new Set([...found].map(([, name = '']) => name));
}
