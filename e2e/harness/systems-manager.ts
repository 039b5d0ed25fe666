import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as autoScaling from '@aws-sdk/client-auto-scaling';
import { parse } from 'yaml';
import type { AutoScalingServer } from './auto-scaling-server.ts';
import { roleKeys } from './metadata-server.ts';
import { root } from './stack.ts';

type Values = Record<string, string>;

interface Step {
  name: string;
  action: string;
  onFailure?: string;
  maxAttempts?: number;
  isEnd?: boolean;
  timeoutSeconds?: number;
  inputs: Record<string, unknown>;
}

interface Content {
  parameters: Record<string, { default?: string; allowedPattern?: string }>;
  mainSteps: Step[];
}

interface Template {
  Resources: Record<string, { Type: string; Condition?: string; Properties: Record<string, unknown> }>;
}

/** What an automation came to: each step with how it ended. */
export type Outcome = Record<string, 'Success' | 'Failed' | 'not run'>;

/** A template of deploy/fleet. References stand as the text behind them: `!Ref DrainCommand` is `DrainCommand`. */
export function fleetTemplate(name: string): Template {
  const text = readFileSync(join(root, 'deploy/fleet', name), 'utf8');
  return parse(text, { logLevel: 'silent' }) as Template;
}

export function documentOf(template: Template, resource: string): Content {
  return template.Resources[resource]?.Properties.Content as Content;
}

/** The script of a command document's step, its parameters put in as Systems Manager does. */
export function scriptOf(content: Content, step: string, parameters: Values): string {
  const found = content.mainSteps.find(({ name }) => name === step);
  if (found === undefined) throw new Error(`no step ${step}`);
  return fill((found.inputs.runCommand as string[]).join('\n'), parametersOf(content, parameters));
}

/** Input of the rule's target, made of an event. */
export function automationInput(template: Template, event: object): Values {
  const targets = template.Resources.Rule?.Properties.Targets ?? [];
  const [target] = targets as { InputTransformer: { InputPathsMap: Values; InputTemplate: string } }[];
  if (target === undefined) throw new Error('the rule has no target');
  const { InputPathsMap, InputTemplate } = target.InputTransformer;
  const text = InputTemplate.replace(/<(\w+)>/g, (_, name: string) =>
    JSON.stringify(valueAt(event, InputPathsMap[name] ?? '')),
  );
  const lists = JSON.parse(text) as Record<string, string[]>;
  return Object.fromEntries(Object.entries(lists).map(([name, [value = '']]) => [name, value]));
}

/**
 * Runs the automation document as Systems Manager does, as far as it uses it: commands go to this machine as scripts with
 * this environment, calls to the simulated API. A step that fails as often as it may ends it, unless it says Continue.
 */
export async function runAutomation(
  template: Template,
  input: Values,
  instance: { scaling: AutoScalingServer; env: NodeJS.ProcessEnv; command: Values },
): Promise<Outcome> {
  const content = documentOf(template, 'DrainAutomation');
  const values = parametersOf(content, input);
  const outcome: Outcome = Object.fromEntries(content.mainSteps.map(({ name }) => [name, 'not run']));
  for (const step of content.mainSteps) {
    const inputs = JSON.parse(fill(JSON.stringify(step.inputs), values)) as Step['inputs'];
    let ok = false;
    for (let tries = step.maxAttempts ?? 1; tries > 0 && !ok; tries--)
      ok = await (step.action === 'aws:runCommand'
        ? runCommand(template, inputs, instance)
        : callApi(inputs, instance.scaling));
    outcome[step.name] = ok ? 'Success' : 'Failed';
    if (step.isEnd || (!ok && step.onFailure !== 'Continue')) break;
  }
  return outcome;
}

async function runCommand(
  template: Template,
  inputs: Step['inputs'],
  { env, command }: { env: NodeJS.ProcessEnv; command: Values },
): Promise<boolean> {
  const content = documentOf(template, String(inputs.DocumentName));
  const script = scriptOf(content, 'drain', { ...(inputs.Parameters as Values), ...command });
  const child = spawn('sh', ['-c', script], { env, stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  return code === 0;
}

async function callApi(inputs: Step['inputs'], scaling: AutoScalingServer): Promise<boolean> {
  const { Service, Api, ...rest } = inputs;
  const client = new autoScaling.AutoScalingClient({
    region: 'eu-west-1',
    endpoint: scaling.url,
    maxAttempts: 1,
    credentials: {
      accessKeyId: roleKeys.AccessKeyId,
      secretAccessKey: roleKeys.SecretAccessKey,
      sessionToken: roleKeys.Token,
    },
  });
  const action = rest as unknown as autoScaling.CompleteLifecycleActionCommandInput;
  const calls: Record<string, () => Promise<unknown>> = {
    CompleteLifecycleAction: () => client.send(new autoScaling.CompleteLifecycleActionCommand(action)),
    RecordLifecycleActionHeartbeat: () =>
      client.send(new autoScaling.RecordLifecycleActionHeartbeatCommand(action)),
  };
  const call = calls[String(Api)];
  if (Service !== 'autoscaling' || call === undefined) throw new Error(`${Service} ${Api}`);
  return call().then(
    () => true,
    () => false,
  );
}

/** @throws Error for a parameter that the document does not have, or whose value it does not allow */
function parametersOf({ parameters }: Content, given: Values): Values {
  for (const name of Object.keys(given)) if (!(name in parameters)) throw new Error(`no parameter ${name}`);
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { default: fallback, allowedPattern }]) => {
      const value = given[name] ?? fallback ?? '';
      if (given[name] !== undefined && !new RegExp(allowedPattern ?? '').test(value))
        throw new Error(`${name}: ${value} is not allowed`);
      return [name, value];
    }),
  );
}

function fill(text: string, values: Values): string {
  return text.replace(/\{\{ *(\w+) *\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`nothing is known of {{ ${name} }}`);
    return value;
  });
}

function valueAt(event: object, path: string): unknown {
  return path
    .split('.')
    .slice(1)
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], event);
}
