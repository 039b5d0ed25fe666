#!/bin/sh
# Runs a command of the consumer's program as a task of its own, with the network, the role and the configuration of
# the consumers; prints what it said, and ends with its exit code (docs/aws.md, "Commands"):
#   deploy/aws/run-task.sh STAGE COMMAND [ARGUMENT]...
# CPU and MEMORY (1024 are one CPU; MiB) ask for another size than the consumers'.
set -eu
[ $# -ge 2 ] || { echo "usage: $0 STAGE COMMAND [ARGUMENT]..." >&2; exit 2; }
stage=$1
command=$2
shift 2
name="millrace-$stage"

# The service's own definition and network: a task runs the version that the consumers run, and where they do.
service=$(aws ecs describe-services --cluster "$name" --services "$name-consumer" --query 'services[0]' --output json)
[ "$service" != null ] || { echo "there is no service $name-consumer in this account and region" >&2; exit 1; }
of_service() {
  printf '%s' "$service" | node -p "const service = JSON.parse(require('fs').readFileSync(0, 'utf8')); $1"
}
definition=$(of_service service.taskDefinition)
network=$(of_service 'JSON.stringify(service.networkConfiguration)')
overrides=$(node -p '
  const [command, ...rest] = process.argv.slice(1);
  const { CPU: cpu, MEMORY: memory } = process.env;
  const words = [command, "--config", "/run/millrace/consumer.json", ...rest];
  JSON.stringify({ cpu, memory, containerOverrides: [{ name: "consumer", command: words }] })' -- "$command" "$@")

task=$(aws ecs run-task --cluster "$name" --launch-type FARGATE --task-definition "$definition" \
  --network-configuration "$network" --overrides "$overrides" \
  --propagate-tags TASK_DEFINITION --started-by run-task --query 'tasks[0].taskArn' --output text)
[ "$task" != None ] || { echo "ECS started no task: is there room, and an image?" >&2; exit 1; }
log="/millrace/$stage/consumer"
lines="consumer/consumer/${task##*/}"
echo "$task" >&2
echo "  watch it:  aws logs tail $log --log-stream-names $lines --since 1h --follow" >&2
echo "  stop it:   aws ecs stop-task --cluster $name --task ${task##*/}" >&2

# `aws ecs wait tasks-stopped` gives up after ten minutes; a replay takes hours.
of_task() {
  aws ecs describe-tasks --cluster "$name" --tasks "$task" --query "tasks[0].$1" --output text
}
unseen=0
while [ "$unseen" -lt "${ASK_TIMES:-30}" ]; do
  status=$(of_task lastStatus) || status=None
  case $status in
    STOPPED) break ;;
    None) unseen=$((unseen + 1)) ;;
    *) unseen=0 ;;
  esac
  sleep "${POLL_SECONDS:-10}"
done
[ "$status" = STOPPED ] || { echo "ECS does not say how the task is, $unseen times in a row; it goes on: see above" >&2; exit 1; }

aws logs tail "$log" --log-stream-names "$lines" --since 30d --format short || true
code=$(of_task "containers[?name=='consumer'].exitCode | [0]")
case $code in
  0) ;;
  [0-9]*) echo "exit code $code" >&2 ;;
  *)
    echo "it ended without an exit code: $(of_task stoppedReason)" >&2
    code=1
    ;;
esac
exit "$code"
