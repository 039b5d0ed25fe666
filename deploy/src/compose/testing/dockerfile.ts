import { readFileSync } from 'node:fs';
import { type Copy, DockerfileParser, type Env, type From, type JSONInstruction } from 'dockerfile-ast';

/** What a stage of a Dockerfile says, with what it has from the stages that it begins with. */
export interface Stage {
  /** The image that the first of them begins with, as written. */
  image: string;
  env: Record<string, string>;
  entrypoint: string[];
  cmd: string[];
  /** Command of the health check, and its flags: `interval` → `10s`. */
  health?: { command: string[]; flags: Record<string, string> };
  user?: string;
  workdir: string;
  /** In order; `from`: a stage, else the build context. */
  copies: { from?: string; sources: string[]; target: string }[];
}

/** The stages that have a name, by it. @throws Error where a command is not in exec form */
export function readDockerfile(path: string): Map<string, Stage> {
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const instruction of DockerfileParser.parse(readFileSync(path, 'utf8')).getInstructions()) {
    const keyword = instruction.getKeyword();
    if (keyword === 'FROM') {
      const from = instruction as From;
      const parent = stages.get(from.getImage() ?? '');
      stage = parent ? structuredClone(parent) : emptyStage(from.getImage() ?? '');
      stages.set(from.getBuildStage() ?? '', stage);
    } else if (stage !== undefined) takers[keyword]?.(stage, instruction as JSONInstruction);
  }
  return stages;
}

function emptyStage(image: string): Stage {
  return { image, env: {}, entrypoint: [], cmd: [], workdir: '/', copies: [] };
}

const takers: Record<string, (stage: Stage, instruction: JSONInstruction) => void> = {
  ENV(stage, instruction) {
    for (const property of (instruction as unknown as Env).getProperties())
      stage.env[property.getName()] = property.getValue() ?? '';
  },
  USER(stage, instruction) {
    stage.user = argumentsOf(instruction).join(' ');
  },
  WORKDIR(stage, instruction) {
    stage.workdir = argumentsOf(instruction).join(' ');
  },
  ENTRYPOINT(stage, instruction) {
    stage.entrypoint = execForm(instruction);
    // As Docker does: a new entry point forgets what was said to the old one.
    stage.cmd = [];
  },
  CMD(stage, instruction) {
    stage.cmd = execForm(instruction);
  },
  HEALTHCHECK(stage, instruction) {
    const command = /\bCMD\s+(\[.*\])/s.exec(instruction.getArgumentsContent() ?? '')?.[1];
    if (command === undefined) throw new Error('a HEALTHCHECK is no CMD in exec form');
    stage.health = { command: JSON.parse(command) as string[], flags: flagsOf(instruction) };
  },
  COPY(stage, instruction) {
    const paths = argumentsOf(instruction);
    const { from } = flagsOf(instruction);
    stage.copies.push({ ...(from && { from }), sources: paths.slice(0, -1), target: paths.at(-1) ?? '' });
  },
};

function argumentsOf(instruction: JSONInstruction): string[] {
  return instruction.getArguments().map((argument) => argument.getValue());
}

function flagsOf(instruction: JSONInstruction): Record<string, string> {
  const flags = (instruction as unknown as Copy).getFlags();
  return Object.fromEntries(flags.map((flag) => [flag.getName(), flag.getValue() ?? '']));
}

function execForm(instruction: JSONInstruction): string[] {
  const text = instruction.getArgumentsContent() ?? '';
  if (!text.trimStart().startsWith('['))
    throw new Error(`${instruction.getKeyword()} ${text}: a shell would run it`);
  return instruction.getJSONStrings().map((argument) => argument.getJSONValue());
}
