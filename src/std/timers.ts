/** Doing things later, as a dependency: tests supply another one. Nothing here keeps a process alive. */
export interface Timers {
  /** Calls `work` in `ms` milliseconds. @returns a function that calls it off */
  after(ms: number, work: () => void): () => void
}

export const systemTimers: Timers = {
  after(ms, work) {
    const timer = setTimeout(work, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
