/** In bytes: on a laptop disk that is 91 % full, percentages would make the indices read-only. */
export const diskWatermarks = {
  'cluster.routing.allocation.disk.watermark.low': '2gb',
  'cluster.routing.allocation.disk.watermark.high': '1gb',
  'cluster.routing.allocation.disk.watermark.flood_stage': '500mb',
} as const;

/** Flat settings as an engine's configuration file. */
export function yaml(values: Record<string, string | number | boolean>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('');
}

/** An engine's log4j2.properties: warnings and errors to the console, these loggers' errors only. */
export function log4j(errorsOnly: Record<string, string> = {}): string {
  const own = Object.entries(errorsOnly).map(
    ([name, logger]) => `logger.${name}.name = ${logger}\nlogger.${name}.level = error\n`,
  );
  return `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
${own.join('')}`;
}
