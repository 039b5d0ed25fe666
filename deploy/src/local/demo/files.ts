import { join } from 'node:path';
import { type LogSource, parseJson } from '../config-files.ts';

/** The three files of the demo and how each is parsed. */
export function demoFiles(folder: string): LogSource[] {
  return [
    { path: join(folder, 'access.log'), tag: 'demo.nginx', parse: ['@type nginx'] },
    {
      path: join(folder, 'app.log'),
      tag: 'demo.app',
      parse: [
        '@type multiline',
        'format_firstline /^\\d{4}-\\d{2}-\\d{2} /',
        'format1 /^(?<time>[^ ]+ [^ ]+) (?<level>\\w+) +\\[(?<thread>[^\\]]*)\\] (?<logger>[^ ]+) - (?<text>.*)/',
        'time_format %Y-%m-%d %H:%M:%S.%L',
        'utc true',
      ],
    },
    { path: join(folder, 'events.json.log'), tag: 'demo.json', parse: parseJson },
  ];
}
