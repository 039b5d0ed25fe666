import { existsSync, globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { build, type Plugin } from 'esbuild';

/** A program as one CommonJS script that needs nothing beside Node. */
export interface Bundle {
  script: string;
  /** Texts of the licenses of the packages in it, each under a line with the package's name and version. */
  licenses: string;
}

/**
 * Bundles the agent; `version` is what it says of itself.
 * @throws MillraceError ENGINE_FAILED for what does not compile, or would have to be read from a file at run time
 */
export async function bundleAgent(root: string, version: string): Promise<Bundle> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [join(root, 'agent', 'src', 'main.ts')],
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // What is required in vain within try, as optional packages are, is so in the executable too; else it is an error.
    // An executable's script knows require of built-in modules only; import() it does not know beside a code cache.
    supported: { 'dynamic-import': false },
    // Names stay: they are in stack traces, and the AWS SDK looks at them.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'silent',
    plugins: [bakeVersion(join(root, 'agent', 'package.json'), version)],
  }).catch((cause: unknown) => {
    throw new MillraceError('ENGINE_FAILED', messageOf(cause), { cause });
  });
  const outside = result.warnings.map((warning) => warning.text);
  if (outside.length > 0) {
    throw new MillraceError('ENGINE_FAILED', `the agent does not fit into one file: ${outside.join('; ')}`, {
      hint: 'an executable has no files beside it: import.meta, for one, is nothing there',
    });
  }
  return {
    script: result.outputFiles[0]?.text ?? '',
    licenses: await licensesOf(root, Object.keys(result.metafile.inputs)),
  };
}

/** The agent's own package.json becomes its version alone. */
function bakeVersion(file: string, version: string): Plugin {
  return {
    name: 'version',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]package\.json$/ }, (args) =>
        args.path === file ? { contents: JSON.stringify({ version }), loader: 'json' } : undefined,
      );
    },
  };
}

async function licensesOf(root: string, inputs: string[]): Promise<string> {
  const folders = new Set<string>();
  for (const input of inputs) {
    const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
    if (folder !== undefined && existsSync(join(root, folder, 'package.json'))) folders.add(folder);
  }
  const texts: string[] = [];
  for (const folder of [...folders].sort()) {
    const path = resolve(root, folder);
    const about = JSON.parse(await readFile(join(path, 'package.json'), 'utf8')) as Record<string, string>;
    const [file] = globSync('LICEN[CS]E*', { cwd: path });
    const text = file === undefined ? '' : await readFile(join(path, file), 'utf8');
    texts.push(`${about.name} ${about.version} (${about.license})\n\n${text.trim()}\n`);
  }
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}
