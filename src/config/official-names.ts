/** Variables of the official PDS that no setting answers to: what each would do there, and why it does nothing here. */
import { settingList } from '#config/settings.ts'

/** They are reported when they are set, and change nothing. */
const WITHOUT_MEANING: Record<string, string> = {
  PDS_SQLITE_DISABLE_WAL_AUTO_CHECKPOINT:
    'locus checkpoints its databases itself, and backs them up while it runs',
  PDS_ACCOUNT_DB_LOCATION: 'locus keeps accounts in service.sqlite of the data directory',
  PDS_SEQUENCER_DB_LOCATION: 'locus keeps events in sequencer.sqlite of the data directory',
  PDS_DID_CACHE_DB_LOCATION: 'locus keeps what it looked up in cache.sqlite of the data directory',
  PDS_ACTOR_STORE_CACHE_SIZE: 'the official PDS does not use it any more either',
  PDS_REDIS_SCRATCH_ADDRESS: 'locus needs no Redis: rate limits and sign-in state are its own',
  PDS_REDIS_SCRATCH_PASSWORD: 'locus needs no Redis: rate limits and sign-in state are its own',
  PDS_MAX_SUBSCRIPTION_BUFFER:
    'a consumer of the firehose that falls behind reads from disk, without a limit to set',
  PDS_PROXY_ALLOW_HTTP2: 'locus speaks HTTP/1.1 to other services',
  PDS_PRIMARY_COLOR_CONTRAST: 'the official PDS dropped it in 0.5.26',
  PDS_PRIMARY_COLOR_HUE: 'the official PDS dropped it in 0.5.26',
  PDS_ERROR_COLOR_CONTRAST: 'the official PDS dropped it in 0.5.26',
  PDS_ERROR_COLOR_HUE: 'the official PDS dropped it in 0.5.26',
  PDS_WARNING_COLOR_CONTRAST: 'the official PDS dropped it in 0.5.26',
  PDS_WARNING_COLOR_HUE: 'the official PDS dropped it in 0.5.26',
  PDS_INFO_COLOR_CONTRAST: 'the official PDS dropped it in 0.5.26',
  PDS_INFO_COLOR_HUE: 'the official PDS dropped it in 0.5.26',
  PDS_SUCCESS_COLOR_CONTRAST: 'the official PDS dropped it in 0.5.26',
  PDS_SUCCESS_COLOR_HUE: 'the official PDS dropped it in 0.5.26',
  PDS_LIGHT_COLOR: 'the official PDS dropped it in 0.5.26',
  PDS_DARK_COLOR: 'the official PDS dropped it in 0.5.26',
  PDS_CONTRAST_SATURATION: 'the official PDS dropped it in 0.5.26',
  LOG_DESTINATION: 'locus logs to stderr; systemd and containers keep it',
  LOG_SYSTEMS: 'locus logs all of its rooms; log.level says how much',
}

const ENTRYWAY = {
  problem: 'locus is its own authorization server and cannot run behind an entryway',
  remedy:
    'unset it to run as a server of its own; accounts that live behind an entryway must move here one by one',
}

/** With them set, the server would not do what its operator relies on: they stop the start. */
const REFUSED: Record<string, { readonly problem: string; readonly remedy: string }> = {
  PDS_ENTRYWAY_URL: ENTRYWAY,
  PDS_ENTRYWAY_DID: ENTRYWAY,
  PDS_ENTRYWAY_JWT_VERIFY_KEY_K256_PUBLIC_KEY_HEX: ENTRYWAY,
  PDS_ENTRYWAY_PLC_ROTATION_KEY: ENTRYWAY,
  PDS_ENTRYWAY_ADMIN_TOKEN: ENTRYWAY,
  PDS_PLC_ROTATION_KEY_KMS_KEY_ID: {
    problem: 'locus cannot sign with a key that a KMS holds',
    remedy:
      'unset it and give a key of this server: make one with `locus key generate`, add it to the rotation keys of every account, and set PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX or secrets/plc-rotation-key',
  },
}

/** What an official name is to this server. */
export type OfficialMeaning =
  | { readonly is: 'setting' }
  | { readonly is: 'without-meaning'; readonly why: string }
  | { readonly is: 'refused'; readonly problem: string; readonly remedy: string }

/** Every name of the official PDS that is understood. */
export const officialNames: ReadonlyMap<string, OfficialMeaning> = new Map<string, OfficialMeaning>([
  ...settingList.flatMap(({ official }) => official.map(({ name }) => [name, { is: 'setting' }] as const)),
  ...Object.entries(WITHOUT_MEANING).map(([name, why]) => [name, { is: 'without-meaning', why }] as const),
  ...Object.entries(REFUSED).map(([name, refusal]) => [name, { is: 'refused', ...refusal }] as const),
])
