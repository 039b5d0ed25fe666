import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { App } from 'aws-cdk-lib';
import { addStage } from '../app.ts';
import { loadSettings } from '../settings/load.ts';
import type { Settings } from '../settings/schema.ts';

/** Every stage, and the options that none of them takes by itself. */
export const variants = {
  dev: ['dev', 'example.json'],
  qa: ['qa', 'example.json'],
  prod: ['prod', 'example.json'],
  public: ['prod', 'public.json'],
} as const;

export type Variant = keyof typeof variants;

export function settingsOf(variant: Variant): Settings {
  const [stage, file] = variants[variant];
  return loadSettings(stage, fileURLToPath(new URL(file, import.meta.url)));
}

/** The stage as an app, with the flags of cdk.json; its folder goes with the test. */
export function appOf(t: TestContext, variant: Variant, settings = settingsOf(variant)): App {
  const outdir = mkdtempSync(join(tmpdir(), 'millrace-cdk-'));
  t.after(() => rmSync(outdir, { recursive: true, force: true }));
  const { context } = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'));
  const app = new App({ outdir, context, analyticsReporting: false });
  addStage(app, settings);
  return app;
}

export interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  DeletionPolicy?: string;
}

export interface Template {
  Resources: Record<string, Resource>;
  Outputs?: Record<string, unknown>;
}

/** Templates by part: `Stream`, `Store`, …; `settings` in place of the variant's own. */
export function templatesOf(
  t: TestContext,
  variant: Variant,
  settings = settingsOf(variant),
): Record<string, Template> {
  const stacks = appOf(t, variant, settings).synth().stacks;
  for (const { template } of stacks)
    for (const resource of Object.values((template as Template).Resources)) resource.Properties ??= {};
  return Object.fromEntries(
    stacks.map(({ stackName, template }) => [stackName.split('-').at(-1) ?? '', template as Template]),
  );
}
