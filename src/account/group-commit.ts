import { type Database, transact } from '#db/database.ts'
import { storageError } from '#db/errors.ts'
import { DomainError } from '#std/errors.ts'

interface Job {
  /** @returns what tells the caller so, once the transaction is on disk */
  perform(): () => void
  reject(error: unknown): void
}

/** Enough to share a sync among, few enough not to hold the event loop up. */
const MAX_BATCH = 100

/**
 * Puts the small changes that arrive in one turn of the event loop into one transaction: they share the cost of making
 * it durable, which is most of theirs. Each is answered when all are on disk.
 */
export class GroupCommit {
  private queue: Job[] = []

  constructor(private readonly db: Database) {}

  /**
   * Does `work` in the next transaction. It may refuse with a DomainError as long as it has changed nothing; any other
   * error undoes the whole batch.
   */
  run<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const perform = () => {
        const result = work()
        return () => resolve(result)
      }
      this.queue.push({ perform, reject })
      if (this.queue.length === 1) setImmediate(() => this.flush())
    })
  }

  private flush(): void {
    const jobs = this.queue.splice(0, MAX_BATCH)
    if (this.queue.length > 0) setImmediate(() => this.flush())
    const answers: (() => void)[] = []
    try {
      transact(this.db, () => {
        for (const job of jobs) answers.push(answerOf(job))
      })
    } catch (error) {
      const cause = storageError(error)
      for (const job of jobs) job.reject(cause)
      return
    }
    for (const answer of answers) answer()
  }
}

function answerOf({ perform, reject }: Job): () => void {
  try {
    return perform()
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return () => reject(error)
  }
}
