import type { KinesisOutput, Pipeline } from './pipeline.ts';

/** The output of the first `<match>` whose pattern matches, as in fluentd; undefined: the tag goes nowhere. */
export function routeTag(pipeline: Pipeline, tag: string): KinesisOutput | undefined {
  return pipeline.routes.find((route) => route.expressions.some((expression) => expression.test(tag)))
    ?.output;
}

/** `foo.*` with `/var/log/a.log` is `foo.var.log.a.log`, as in fluentd. */
export function tagOfPath(tag: string, path: string): string {
  return tag.replace('*', () => path.replaceAll('/', '.').replace(/^\./, ''));
}
