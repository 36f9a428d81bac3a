/**
 * Some space on the disk that is kept free for the server itself. When the disk is full, writers are refused, but stores
 * must still follow what was acknowledged, and a store that is opened needs a little to be read: the reserve is given up
 * for that, and taken again before anyone writes. It is a file of noise, so that file systems which compress keep it too.
 */
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { randomBytes } from '#std/bytes.ts'
import { logger } from '#telemetry/log.ts'

const log = logger('db')

const SIZE = 8 * 1024 * 1024
/** most noise that the platform gives at a time */
const BLOCK_BYTES = 64 * 1024
/** left free when the reserve is taken, or the next writer would have it given up at once */
const MARGIN = 1024 * 1024

export class DiskReserve {
  private held: boolean
  /** given up, and not taken again since */
  private isGivenUp = false

  constructor(private readonly path: string) {
    this.held = statSync(path, { throwIfNoEntry: false })?.size === SIZE
  }

  /** Takes the reserve, unless it is held already. @returns false when the disk is too full for it */
  hold(): boolean {
    this.held ||= this.take()
    if (this.held && this.isGivenUp) {
      this.isGivenUp = false
      log.info('there is disk space again, writers are served')
    }
    return this.held
  }

  /** Gives the space to those who have to go on. */
  release(): void {
    if (!this.isGivenUp) log.error('the disk is full, writers are refused until there is space again')
    this.isGivenUp = true
    this.held = false
    rmSync(this.path, { force: true })
  }

  /** Gives it up when there is hardly any other space: for a start, which has files to make. */
  releaseWhenFull(): void {
    if (this.held && this.free() < MARGIN) this.release()
  }

  private free(): number {
    const { bavail, bsize } = statfsSync(dirname(this.path))
    return bavail * bsize
  }

  private take(): boolean {
    rmSync(this.path, { force: true })
    if (this.free() < SIZE + MARGIN) return false
    try {
      this.fill()
      return true
    } catch {
      rmSync(this.path, { force: true })
      return false
    }
  }

  private fill(): void {
    const file = openSync(this.path, 'w', 0o600)
    try {
      for (let size = 0; size < SIZE; size += BLOCK_BYTES) writeSync(file, randomBytes(BLOCK_BYTES))
    } finally {
      closeSync(file)
    }
  }
}
