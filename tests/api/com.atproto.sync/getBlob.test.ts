import { answers, invalid, NOBODY, refused } from '#tests/support/answers.ts'

const METHOD = 'com.atproto.sync.getBlob'
const RAW = 'bafkreiakaj3vmz23rgpngfxtxf35bzspp6vvoswvmxwmuol3o5vmp5pwei'
const OLD_FORM = 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG'

answers(METHOD, [
  [
    'a blob that is not there',
    ({ alice }) => ({ params: `did=${alice.did}&cid=${RAW}` }),
    invalid('Blob not found'),
  ],
  [
    'a CID of version 0',
    ({ alice }) => ({ params: `did=${alice.did}&cid=${OLD_FORM}` }),
    invalid('Blob not found'),
  ],
  [
    'what is no CID',
    ({ alice }) => ({ params: `did=${alice.did}&cid=junk` }),
    invalid(`Invalid ${METHOD} params: Invalid CID string (got "junk")`),
  ],
  [
    'no CID',
    ({ alice }) => ({ params: `did=${alice.did}` }),
    invalid(`Invalid ${METHOD} params: Missing required key "cid"`),
  ],
  [
    'no DID',
    () => ({ params: `did=x&cid=${RAW}` }),
    invalid(`Invalid ${METHOD} params: Invalid DID (got "x")`),
  ],
  [
    'an unknown DID',
    () => ({ params: `did=${NOBODY}&cid=${RAW}` }),
    refused(400, 'RepoNotFound', `Could not find repo for DID: ${NOBODY}`),
  ],
])
