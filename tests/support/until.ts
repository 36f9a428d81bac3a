const DEADLINE_MS = 10_000
const PAUSE_MS = 10

/** Waits until `condition` holds. @throws Error when it does not within `deadlineMs` */
export async function until(
  condition: () => boolean | Promise<boolean>,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${condition}`)
    await Bun.sleep(PAUSE_MS)
  }
}
