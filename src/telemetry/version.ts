/** Which locus this is. The build stamps the commit; a run from the sources has none. */
import { version as packageVersion } from '../../package.json' with { type: 'json' }

declare const LOCUS_COMMIT: string | undefined

/** the package's, by semantic versioning */
export const version: string = packageVersion

/** short hash of the source it was built from, where the build knew it */
export const commit: string | null = typeof LOCUS_COMMIT === 'string' && LOCUS_COMMIT ? LOCUS_COMMIT : null
