import type { Telemetry } from '@millrace/core/telemetry/events.ts';

/** Everything that `agent lifecycle` reports. */
export const lifecycleEvents = {
  watching: { level: 'info', message: 'The instance metadata is watched for the end of this instance.' },
  metadata_unreachable: {
    level: 'warn',
    message: 'The instance metadata cannot be read; it is tried again. Is this an EC2 instance?',
  },
  metadata_reached: { level: 'info', message: 'The instance metadata can be read again.' },
  scale_in: { level: 'info', message: 'The Auto Scaling group lets this instance go: its agent is drained.' },
  spot_interruption: {
    level: 'info',
    message: 'EC2 takes this spot instance back: its agent is drained.',
  },
  drained: { level: 'info', message: 'Everything read is delivered, or uploaded to the archive.' },
  drain_incomplete: {
    level: 'warn',
    message: 'A drain ended with something left; it is tried again while there is time.',
  },
  agent_silent: {
    level: 'error',
    message: 'No agent has answered for the whole deadline: nothing is drained.',
  },
  drain_given_up: {
    level: 'error',
    message: 'The limit has passed and the agent is not drained: what is left goes with the instance.',
  },
  heartbeat_failed: {
    level: 'warn',
    message: 'Auto Scaling did not take a heartbeat; the next one follows.',
  },
  action_completed: { level: 'info', message: 'The lifecycle action is completed: the termination goes on.' },
  action_absent: {
    level: 'info',
    message:
      'No lifecycle action of the hook waits: it was completed already, or the group has no such hook.',
  },
  action_failed: {
    level: 'warn',
    message: 'The lifecycle action could not be completed; it is tried again.',
  },
  action_given_up: {
    level: 'error',
    message: 'The lifecycle action was not completed: the termination goes on when the hook times out.',
  },
} as const;

export type LifecycleTelemetry = Telemetry<typeof lifecycleEvents>;
