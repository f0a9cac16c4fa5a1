/** Left by the unit's ExecStopPost: $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS (systemd.exec(5)). */
const NAME = 'last-end';

/**
 * How the last run of this service ended, in the service manager's words, such as `watchdog (killed ABRT)`; undefined where nothing is
 * known, or it was a success. `read` gives undefined for a file that isn't there.
 */
export function lastEnd(
  folder: string | undefined,
  read: (path: string) => string | undefined,
): string | undefined {
  if (!folder) return undefined;
  const text = read(`${folder}/${NAME}`) ?? '';
  const [, result, how] = /^([a-z-]{1,32}) (\w* \w*)\n?$/.exec(text) ?? [];
  return result === undefined || result === 'success' ? undefined : `${result} (${how})`;
}
