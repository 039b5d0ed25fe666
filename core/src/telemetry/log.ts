import { type Logger, pino } from 'pino';

export type { Logger };

/** JSON lines on stderr: stdout belongs to data and, in KCL children, to the MultiLangDaemon's protocol. */
export function createLogger(component: string, level = 'info'): Logger {
  return pino(
    {
      level,
      base: { component, pid: process.pid },
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
