import { agentCommand } from '../../local/agent-command.ts';
import { type Command, exitCodes } from '../command.ts';
import { runNode } from '../run-program.ts';

export const agent: Command = {
  name: 'agent',
  summary: 'Run the agent alone, check a configuration, or preview how a parser reads a file.',
  usage: 'agent run --config F [--once] | agent check --config F | agent preview FILE [--format nginx]',
  options: {},
  positionals: { min: 0, max: Number.POSITIVE_INFINITY },
  examples: [
    './millrace agent check --config agent.conf',
    './millrace agent preview /var/log/nginx/access.log',
  ],
  exits: [[1, 'it failed']],
  run: async () => exitCodes.usage,
  passOn: (context, args) => runNode(context, [...agentCommand(context.root), ...args]),
};
