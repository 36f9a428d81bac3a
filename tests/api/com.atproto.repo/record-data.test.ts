/** What becomes of the content of records: the values and CIDs that the official server was seen to make, and refuse. */
import { expect, test } from 'bun:test'
import { startPds } from '#tests/support/pds.ts'
import {
  type CallRow,
  calls,
  crash,
  invalid,
  no,
  officialWorld,
  ourWorld,
  tooLarge,
  type World,
  wrote,
} from '#tests/support/record-answers.ts'

const POST = 'app.bsky.feed.post'
const THING = 'com.example.thing'
const CBOR = 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm'
const V0 = 'QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n'
const RAW = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'

/** A record as JSON text, its CID, and its value where that is not what was written, but for `$type`. */
type StoredRow = readonly [title: string, json: string, cid: string, value?: object]

const stored: readonly StoredRow[] = [
  ['nothing', '{}', 'bafyreifzywoxy5o2qpe5fsd2ci3kgqh3exaoligdlawizqxf4bged7w4q4'],
  [
    'its type',
    '{"$type":"com.example.thing"}',
    'bafyreifzywoxy5o2qpe5fsd2ci3kgqh3exaoligdlawizqxf4bged7w4q4',
  ],
  ['null', '{"a":null}', 'bafyreig4ei3l4lpcsgucnoj6cp6hkmr23obiobqadiicmrjdxk3o76x5tu'],
  ['true and false', '{"a":[true,false]}', 'bafyreid3ymgq6vtc7b5k5t3j7yjbz7esuoosxson6ijolhszz3zzaz2sa4'],
  [
    'integers',
    '{"a":[0,1,-1,23,24,255,256,-24,-25,65535,65536,4294967295,4294967296,-4294967297]}',
    'bafyreiazicrnsiukagmz6v5n72wjheywe3lbw4d6o2rt2rm2xaojucyhxq',
  ],
  [
    'the greatest integers',
    '{"a":[9007199254740991,-9007199254740991]}',
    'bafyreihoeoxpznmxvdimqfs7sf5sfzzt3y7fyx2nneplc46p2yn6xwom7a',
  ],
  [
    'integers with a fraction of nothing',
    '{"a":[1.0,-2.00,0.0]}',
    'bafyreibag5dtuzznqnza7jieljtixh4g7awkw3kipitzhx5ayy6quigt6y',
  ],
  [
    'integers with an exponent',
    '{"a":[1e3,2E+2,30e-1,1.5e1]}',
    'bafyreia62auyeorufvdyohe6newbhy3kskzyah2npkxf6ihsbta4qzgxhy',
  ],
  [
    'zero below zero',
    '{"a":[-0,-0.0]}',
    'bafyreife77x22thrdszioq6rgdeoazi7ybdf5q6dct4s2vts4tujmkcy2a',
    { a: [0, 0] },
  ],
  [
    'a number too small to tell',
    '{"a":1e-400}',
    'bafyreidats6fupksxwwvjssiy6wj2cwutjorkfat4gw52r4j7rzmqrsnty',
  ],
  [
    'texts',
    '{"a":["","a","ü","日本","👩‍👩‍👧‍👧","\\u0000","\\n","\\"","\\/"]}',
    'bafyreigimvehurzz65opxygojwofpm7mvoln5kltcmvhqkmzmestjzbfcq',
  ],
  [
    'text not normalised',
    '{"a":["é","e\\u0301"]}',
    'bafyreiaiadm5pf5r245j5pe54jgdwrn2uvs4nkgk6c2txrmisc4e7xjbce',
  ],
  [
    'halves of surrogate pairs',
    '{"a":["\\ud800","x\\udc00y","\\udc00\\ud800"]}',
    'bafyreienmwybruskxgzonhhq7xb6sqwjhzsrflp5fygycghjgmwulrveqe',
    { a: ['�', 'x�y', '��'] },
  ],
  [
    'half a surrogate pair as a key',
    '{"\\ud800":1}',
    'bafyreigslyz2uhrjfng6xg4rlo3minsy2rvky75txbbj3ao5mpjpixety4',
    { '�': 1 },
  ],
  [
    'a pair as escapes',
    '{"a":"\\ud83d\\ude00"}',
    'bafyreiguqb7kpc4atjgwuuckema24rofea6oynz2fpervwwwc5b5upgmmm',
  ],
  [
    'keys by length',
    '{"bb":1,"a":2,"ccc":3,"":4,"B":5}',
    'bafyreibp4shi2joaadjyt5snlq5ocnkiag77c3sgmzxfypthyeaqzth25q',
  ],
  [
    'keys beyond ASCII',
    '{"é":1,"z":2,"ab":3,"日":4,"abc":5,"👩":6,"abcd":7}',
    'bafyreihzmua4vzjg5inicrslcmwock2z6mo2t46fuy75m6kehi5ioc7lsm',
  ],
  [
    'keys of objects in JavaScript',
    '{"constructor":1,"toString":2,"hasOwnProperty":{"prototype":3},"length":4}',
    'bafyreiagzgkzuftfqijjyz3diwnqqwtw7c6424tkaphwbgfbr6kxvbjiee',
  ],
  [
    'keys that are numbers',
    '{"10":1,"9":2,"1":3,"a":4}',
    'bafyreidrwgjkopner5wznbft6i5clsrhfkf7ebi3xor6tf3xflctgut5oy',
  ],
  [
    'keys with $',
    '{"$a":1,"$":2,"$links":3,"$typ":4}',
    'bafyreie34u7f2umrznpkwpwjmapuhary2qatijausaxc4izpb4f2jmcnwm',
  ],
  [
    'a key that is there twice',
    '{"a":1,"a":2}',
    'bafyreidczdrsgnjia25g7ecolbxqxgbbcrvf4daaww6afcffsusl2rqmbq',
  ],
  [
    'lists within lists',
    '{"a":[[],[[]],[{}]]}',
    'bafyreifezrueq3ssbaxzdmlyia23fqp4z6z4jn5aqpjqem4lkln3emtbam',
  ],
  [
    'a type within',
    '{"a":{"$type":"com.example.other","b":1}}',
    'bafyreie4nzq3ko4r6uotkhqy2id57cfowrd5y2qxgtvnsdl6bx5ut5ob5u',
  ],
  [
    'types that are none',
    '{"a":{"$type":1},"b":{"$type":""},"c":{"$type":null},"d":{"$type":{}}}',
    'bafyreidk4elqjlqbevsjh2c6nxmraxk47hoxir7okydsuu7mac2zdfgli4',
  ],
  ['a link', `{"a":{"$link":"${CBOR}"}}`, 'bafyreic7gmujvwmomekfbwi5hso5bisup3sx54gqzc6huveorr6q3p2g3u'],
  [
    'a link to a blob',
    `{"a":{"$link":"${RAW}"}}`,
    'bafyreib2gpdonwllaomw3fwlldnj355vdpd3kyqpb2n7zq3xlfpnckbh6a',
  ],
  [
    'a link of version 0',
    '{"a":{"$link":"QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"}}',
    'bafyreib4y5odikywqaukjxrk7t55tedvsigxud2rjpwfuopz6ayzspj3re',
  ],
  [
    'a link in base58',
    '{"a":{"$link":"zdpuAn6tGBB4Ku31WtxzBbd4UsFpF6L5hCqzBsbYGLiYTEgRm"}}',
    'bafyreicgrjhkn6jxcfcug75os5e556uxi7bttcskluasyjaqez4is4hrhe',
    { a: { $link: 'bafyreiay6z6p7b4gupjxysgp4rpyrs4ad4mtem4pnzl6l3fkcynscbja4a' } },
  ],
  [
    'a link in capitals',
    `{"a":{"$link":"${CBOR.toUpperCase()}"}}`,
    'bafyreiaxnu5mvuyyzwtcs3xkuylkjexbtn76rp7innwsi27frdcan4yhqu',
  ],
  [
    'a link to dag-pb',
    '{"a":{"$link":"bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"}}',
    'bafyreihbn5ejxo4byiffqdriit53jzs37xgwvxaxt2qivb3kqn2xv6xp6i',
  ],
  [
    'a link by SHA-512',
    '{"a":{"$link":"bafkrgqhhyivzstcz3hhswshfjgy6ertgmnqeleynhwt4dlfsthi4hn7zgh4uvlsb5xncykzapi3ocd4lzogukir6ksdy6wzrnz6ohnv4aglcs"}}',
    'bafyreiedsfvsirby5lryx3hign7xwrnptv2agu5kyqeyeqdcdl5bjhv6ne',
  ],
  [
    'a link by identity',
    '{"a":{"$link":"bafkqaaa"}}',
    'bafyreiawdwbqcwdbiv3xnapc4n6fwglwoyzv64w42jz2yrmu4n6uktv4oe',
  ],
  [
    'a link that breaks off',
    '{"a":{"$link":"bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hp"}}',
    'bafyreicwnimneo32thl33avj7fbymvq7fpbcwivpqmbw7o5mg74e3qquvm',
  ],
  [
    'a link with a bad last letter',
    '{"a":{"$link":"bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpn"}}',
    'bafyreiexvhtyiu6tngsgl2kunm3fpru3kplqheeial4anzf5adst7zupmq',
  ],
  [
    'a link that is a word',
    '{"a":{"$link":"x"}}',
    'bafyreiatryangcfyhhzp57ndwa4dsbjgl5d5ud4knxznuonorp65i6q35i',
  ],
  [
    'a link that is empty',
    '{"a":{"$link":""}}',
    'bafyreibolbybns6yznb733ngse4yakptus6aqiy6f2jicma5d7z5lvkyuy',
  ],
  [
    'a link that is a number',
    '{"a":{"$link":1}}',
    'bafyreihktk6mqxhqujk2lrvd2aa7nqv5iahfkgsfjkt7aavzdrljvqi7oq',
  ],
  [
    'a link that is null',
    '{"a":{"$link":null}}',
    'bafyreiakc3kmoq2kto6byebzvcickpdga36et2lukjdkz77i7cbkraaywe',
  ],
  [
    'a link in a link',
    `{"a":{"$link":{"$link":"${CBOR}"}}}`,
    'bafyreiaf6544dc4b27g5mhekivafgr2qd7obo5ic76nftsekcq4gbo4wzm',
  ],
  [
    'a link with another key',
    `{"a":{"$link":"${CBOR}","b":1}}`,
    'bafyreiezierezd5pb4wujltfiegqe6ls6eua4qdro7hv7qxzrb2rjz7k4e',
  ],
  [
    'a link with a type',
    `{"a":{"$type":"cid-link","$link":"${CBOR}"}}`,
    'bafyreid6m3j4cvyg7xjajnu6hmapmdra5yijbgld6daaah2ibytwydoql4',
  ],
  ['bytes', '{"a":{"$bytes":"AQID"}}', 'bafyreicbo5obwsb22juepwc6uwzyxin33e6nk5wqtle2aentb5thjhbyju'],
  ['no bytes', '{"a":{"$bytes":""}}', 'bafyreifvydwab3x65pq5xgg37b6ghiexhbsebeueqlqi7irpsln2ggdyly'],
  [
    'bytes with padding',
    '{"a":{"$bytes":"AA=="},"b":{"$bytes":"AAA="}}',
    'bafyreifyswkvdzudpjvhb6dkly3ibilrmsez22yz3x7xaa2qlbcpekqbny',
    { a: { $bytes: 'AA' }, b: { $bytes: 'AAA' } },
  ],
  [
    'bytes without padding',
    '{"a":{"$bytes":"AA"},"b":{"$bytes":"AAA"}}',
    'bafyreifyswkvdzudpjvhb6dkly3ibilrmsez22yz3x7xaa2qlbcpekqbny',
  ],
  [
    'bytes with half the padding',
    '{"a":{"$bytes":"AA="}}',
    'bafyreiavohdpp5j2vkeyq634j6e6a6oqkdvamm537oinvycfdk4kjcayx4',
    { a: { $bytes: 'AA' } },
  ],
  [
    'bytes with too much padding',
    '{"a":{"$bytes":"AAA=="}}',
    'bafyreiarlukmb332sxzmcthjpz7pw54fy72aeglzcqcq644vufvlvwufaq',
  ],
  [
    'bytes with padding that none need',
    '{"a":{"$bytes":"AQID="}}',
    'bafyreifpiryxj6o2657hre6qyiefsdddm54wbmfaszi3vfhl3n3nxoklmy',
  ],
  [
    'bytes with padding alone',
    '{"a":{"$bytes":"="},"b":{"$bytes":"=="}}',
    'bafyreiehrz54w3s3co2yelu2x2tqwps7ajl3ess4o6lsmekqhx4xurgzd4',
  ],
  [
    'bytes of one letter',
    '{"a":{"$bytes":"A"}}',
    'bafyreie4ydzws6yoo5zj4xndzhjgyr2wwmuasmgpkzez5odkd2f74b4bdi',
  ],
  [
    'bytes of five letters',
    '{"a":{"$bytes":"AAAAA"}}',
    'bafyreiaqf3f37npf5pzpxyhjqmrykoqj5vfqxidjwkpfv43po2sqi67dh4',
  ],
  [
    'bytes with bits left over',
    '{"a":{"$bytes":"AB"},"b":{"$bytes":"//"}}',
    'bafyreih55ct63m25myae3wxah6xiyvtk4pm4kas45wupzud5loue6jtkfe',
    { a: { $bytes: 'AA' }, b: { $bytes: '/w' } },
  ],
  [
    'bytes in the other alphabet',
    '{"a":{"$bytes":"-_-_"}}',
    'bafyreic3wbawidqj5v3q4ciplk7y7w3qs2xkcfhfvrgs3zsrfdrh76tooi',
    { a: { $bytes: '+/+/' } },
  ],
  [
    'bytes in both alphabets',
    '{"a":{"$bytes":"-/+_"}}',
    'bafyreic3wbawidqj5v3q4ciplk7y7w3qs2xkcfhfvrgs3zsrfdrh76tooi',
    { a: { $bytes: '+/+/' } },
  ],
  [
    'bytes with a space',
    '{"a":{"$bytes":"AQ ID"}}',
    'bafyreiemtvhct42b5uqtqsjpylztfc3uz4uaqfb4w2so25pz4jdedxyjxe',
  ],
  [
    'bytes with a line end',
    '{"a":{"$bytes":"AQID\\n"}}',
    'bafyreieimmazaise22lslgfyaodqpghpept4dj2pw7pdcqvgz2cgoirns4',
  ],
  [
    'bytes with a bad letter',
    '{"a":{"$bytes":"a*"}}',
    'bafyreihc5dfxqpkruvcfbln6q3hwlbtrma4236ewp5eaflyq4o6kkmpdma',
  ],
  [
    'bytes with padding within',
    '{"a":{"$bytes":"AA==AA=="}}',
    'bafyreiebvtbdov25v5qcjwyqelr22s4uew6z5nepguhmvaqxul3kx6nami',
  ],
  [
    'bytes that are a number',
    '{"a":{"$bytes":1}}',
    'bafyreif3fqdvia2cfyfrqk3rdugzb7m4hwbtwpt2s7poevraa4q7yecrkm',
  ],
  [
    'bytes with another key',
    '{"a":{"$bytes":"AQID","b":1}}',
    'bafyreif7is4z2usfgeheco3whak7mttacengr553dkhldruvqp5s6z472y',
  ],
  [
    'bytes and a link',
    `{"a":{"$bytes":"AQID","$link":"${CBOR}"}}`,
    'bafyreiewkwobrxght7zlhuwpuatiudvgaposwugiu7t2z5yijebaqukwza',
  ],
  [
    'bytes in a list',
    `{"a":[{"$bytes":"AQID"},{"$link":"${RAW}"}]}`,
    'bafyreibitrxln4bopprirdudbffy3ib3shlsufjdco4mm6dyv6qejwnmui',
  ],
  [
    'a blob without size',
    `{"a":{"$type":"blob","ref":{"$link":"${RAW}"},"mimeType":"text/plain"}}`,
    'bafyreig2kzr2fibfve2ps6taveteprgkgird66dmpg76i7tpi5ptyeurbi',
  ],
  [
    'a blob with more',
    `{"a":{"$type":"blob","ref":{"$link":"${RAW}"},"mimeType":"text/plain","size":0,"b":1}}`,
    'bafyreihqkmpresggbtohed6blahd5wcqu6o3orqz6eglhs5djvxacdhcim',
  ],
  [
    'a blob of a size below -1',
    `{"a":{"$type":"blob","ref":{"$link":"${RAW}"},"mimeType":"text/plain","size":-2}}`,
    'bafyreicvukmffdm7h2nlceb7kluweusalbpubwlvl3ncy2fpgf7gwne3pe',
  ],
  [
    'a blob whose size is a text',
    `{"a":{"$type":"blob","ref":{"$link":"${RAW}"},"mimeType":"text/plain","size":"0"}}`,
    'bafyreigbamdc7y4udlsgbymwuvxywyrdzn5kudwv3j45krhdvxtsyzisx4',
  ],
  [
    'a blob whose ref is a text',
    `{"a":{"$type":"blob","ref":"${RAW}","mimeType":"text/plain","size":0}}`,
    'bafyreih3n6cm5cwvxfc747hxh6u5pv4vtgfu53nu2m7cwl5agbvngdhx6q',
  ],
  [
    'a blob without mime type',
    `{"a":{"$type":"blob","ref":{"$link":"${RAW}"},"size":0}}`,
    'bafyreieddmrxnrfqkudowcaset7762l5d3ygvwkn4zj5wmicpnc3u5k7xy',
  ],
  [
    'a blob whose type has no slash',
    `{"a":{"$type":"blob","ref":{"$link":"${RAW}"},"mimeType":"text","size":0}}`,
    'bafyreibceqz2c5d6y7yqjvokmpon7tk3ivc5mb4dv3wpz2gmgu6n7aknpq',
  ],
  [
    'a blob of no type',
    `{"a":{"$type":"blob","ref":{"$link":"${RAW}"},"mimeType":"","size":0}}`,
    'bafyreianyi5kibhoqmv47z34ntjnjdvosinzwq6zzsgbsf2rvm2cxi4hkm',
  ],
  [
    'a blob of the old form with more',
    `{"a":{"cid":"${RAW}","mimeType":"text/plain","b":1}}`,
    'bafyreibqeonlzkmtsjs62qsxlxddi3hvvlbnvcekftvzyxicm5zyqogsji',
  ],
  [
    'a blob of the old form without type',
    `{"a":{"cid":"${RAW}","mimeType":""}}`,
    'bafyreifehrgobsxrmyhdfes2woe44kn7uyo2bvrvgwodmociqvglmhhuiy',
  ],
  [
    'a blob of the old form with a bad CID',
    '{"a":{"cid":"x","mimeType":"text/plain"}}',
    'bafyreibyqm4xzh6nflibmw7hsngvsz36mtd7awpmis4vazfkrkpelcdbwq',
  ],
  [
    'the old form in base58',
    '{"a":{"cid":"zdpuAn6tGBB4Ku31WtxzBbd4UsFpF6L5hCqzBsbYGLiYTEgRm","mimeType":"text/plain"}}',
    'bafyreifaacuz4fmqpksv555o4laaimv2sxxezahclgsftiyo2xaehezmtm',
  ],
  ['32 levels', `{"a":${nested(31)}}`, 'bafyreidd6rbj5stk7igblwdifbeq5gmr7wcpfppdaf5cvb7vo7xgsbgqqa'],
  ['24 keys', keys(24), 'bafyreif7zdh56ee5moxzobywq7am6uuszndonfggwxsaflkaxkvbatewdm'],
  ['300 keys', keys(300), 'bafyreieupyvxvghks7mpp25wvn6kfbydzkp7ltl7a7r5w3ja2nlu356wki'],
  [
    'a long text',
    `{"a":"${'x'.repeat(70_000)}"}`,
    'bafyreibuotwjvtvrps7yldapd5ohr6aplpzo46legpgx3cvp4alwo2jhhq',
  ],
]

function nested(levels: number): string {
  return '['.repeat(levels) + ']'.repeat(levels)
}

function keys(count: number): string {
  return `{${Array.from({ length: count }, (_, i) => `"k${i}":${i}`).join(',')}}`
}

/** What is found where the records of the table were created. */
async function created(world: World) {
  const repo = world.alice.did
  const found: object[] = []
  for (const [i, [title, json]] of stored.entries()) {
    const raw = `{"repo":"${repo}","collection":"${THING}","rkey":"r${i}","record":${json}}`
    const answer = JSON.parse((await world.ask('com.atproto.repo.createRecord', { raw })).text)
    const params = { repo, collection: THING, rkey: `r${i}` }
    const { cid, value } = JSON.parse((await world.ask('com.atproto.repo.getRecord', { params })).text)
    found.push({ title, answered: answer.cid, cid, value })
  }
  return found
}

const expected = stored.map(([title, json, cid, value = JSON.parse(json)]) => {
  return { title, answered: cid, cid, value: { $type: THING, ...value } }
})

test(`${stored.length} records are stored as by the official server`, async () => {
  await using pds = await startPds()

  expect(await created(await ourWorld(pds))).toEqual(expected)
})

const { LOCUS_REFERENCE: url = '', LOCUS_REFERENCE_PASSWORD: adminPassword = '' } = process.env
test.skipIf(url === '')(
  'the official server stores the same records so',
  async () => {
    expect(await created(await officialWorld({ url, adminPassword }))).toEqual(expected)
  },
  60_000,
)

/** An input for a new record of alice's with this content. */
function create(record: string, collection = THING) {
  return ({ alice }: World) => ({
    raw: `{"repo":"${alice.did}","collection":"${collection}","record":${record}}`,
  })
}

/** The same for a record that is not held against its lexicon. */
function createUnchecked(record: string) {
  return ({ alice }: World) => ({
    raw: `{"repo":"${alice.did}","collection":"${THING}","validate":false,"record":${record}}`,
  })
}

/** The same in a body of just so many bytes. */
function createInBytes(bytes: number) {
  return (world: World) => {
    const { raw } = create('{"a":""}')(world)
    return { raw: raw.replace('""', `"${'x'.repeat(bytes - raw.length)}"`) }
  }
}

/** Where the official server takes what we refuse, or answers 500, its answer comes last. */
const limits: readonly CallRow[] = [
  [
    'a fraction',
    create('{"a":1.5}'),
    invalid(
      'Expected one of null, boolean, integer, string, cid, bytes, array or object value type (got 1.5) at $.record.a',
    ),
  ],
  [
    'a fraction, deep within',
    create('{"a":[{"b":[0,0.1]}]}'),
    invalid(
      'Expected one of null, boolean, integer, string, cid, bytes, array or object value type (got 0.1) at $.record.a[0].b[1]',
    ),
  ],
  [
    'a fraction, unchecked',
    createUnchecked('{"a":1.5}'),
    invalid(
      'Expected one of null, boolean, integer, string, cid, bytes, array or object value type (got 1.5) at $.record.a',
    ),
  ],
  [
    'a fraction in a post',
    create('{"text":"x","createdAt":"2026-11-21T00:00:00Z","a":0.5}', POST),
    invalid(
      'Expected one of null, boolean, integer, string, cid, bytes, array or object value type (got 0.5) at $.record.a',
    ),
  ],
  [
    'a number beyond all',
    create('{"a":1e400}'),
    invalid(
      'Expected one of null, boolean, integer, string, cid, bytes, array or object value type (got Infinity) at $.record.a',
    ),
  ],
  [
    '2^53',
    create('{"a":9007199254740992}'),
    invalid('record.a is beyond the integers from -(2^53 - 1) to 2^53 - 1 (9007199254740992)'),
    crash,
  ],
  [
    '-2^53',
    create('{"a":-9007199254740992}'),
    invalid('record.a is beyond the integers from -(2^53 - 1) to 2^53 - 1 (-9007199254740992)'),
    crash,
  ],
  [
    '2^53, deep within a post',
    create('{"text":"x","createdAt":"2026-11-21T00:00:00Z","a":{"b":[9007199254740992]}}', POST),
    invalid('record.a.b.0 is beyond the integers from -(2^53 - 1) to 2^53 - 1 (9007199254740992)'),
    crash,
  ],
  [
    '1e21',
    create('{"a":1e21}'),
    invalid('record.a is beyond the integers from -(2^53 - 1) to 2^53 - 1 (1e+21)'),
    crash,
  ],
  [
    'an integer of 40 digits',
    create(`{"a":${'9'.repeat(40)}}`),
    invalid('record.a is beyond the integers from -(2^53 - 1) to 2^53 - 1 (1e+40)'),
    crash,
  ],
  ['__proto__', create('{"__proto__":{"a":1}}'), invalid('Invalid key: __proto__')],
  ['__proto__ deep within', create('{"a":[{"__proto__":1}]}'), invalid('Invalid key: __proto__')],
  [
    'two halves that become one key',
    create('{"\\ud800":1,"\\ud801":1}'),
    invalid('two keys of one map are the same in UTF-8'),
    wrote('com.example.thing/TID', 'unknown'),
  ],
  [
    'half a surrogate pair in a post',
    create('{"text":"\\udc00","createdAt":"2026-11-21T00:00:00Z"}', POST),
    wrote('app.bsky.feed.post/TID', 'valid'),
  ],
  [
    '33 levels',
    create(`{"a":${nested(32)}}`),
    invalid('record.a.0.0.0.0.0.0.0 nests deeper than 32'),
    wrote('com.example.thing/TID', 'unknown'),
  ],
  [
    '100 levels',
    create(`{"a":${nested(99)}}`),
    invalid('record.a.0.0.0.0.0.0.0 nests deeper than 32'),
    wrote('com.example.thing/TID', 'unknown'),
  ],
  [
    '1000 levels',
    create(`{"a":${nested(999)}}`),
    invalid('The body is nested more than 128 levels deep'),
    wrote('com.example.thing/TID', 'unknown'),
  ],
  [
    '100,000 levels',
    create(`{"a":${nested(99_999)}}`),
    invalid('The body is nested more than 128 levels deep'),
    invalid('Maximum call stack size exceeded'),
  ],
  [
    'a blob that nobody uploaded',
    create(`{"a":{"$type":"blob","ref":{"$link":"${RAW}"},"mimeType":"text/plain","size":0}}`),
    no(400, 'BlobNotFound', 'Could not find blob: CID'),
  ],
  [
    'a blob that nobody uploaded, unchecked',
    createUnchecked(`{"a":{"$type":"blob","ref":{"$link":"${RAW}"},"mimeType":"text/plain","size":0}}`),
    no(400, 'BlobNotFound', 'Could not find blob: CID'),
  ],
  [
    'a blob whose link is to a record',
    create(`{"a":{"$type":"blob","ref":{"$link":"${CBOR}"},"mimeType":"text/plain","size":0}}`),
    no(400, 'BlobNotFound', 'Could not find blob: CID'),
  ],
  [
    'a blob of a size below zero',
    create(`{"a":{"$type":"blob","ref":{"$link":"${RAW}"},"mimeType":"text/plain","size":-1}}`),
    no(400, 'BlobNotFound', 'Could not find blob: CID'),
  ],
  [
    'a blob of the old form',
    create(`{"a":{"cid":"${RAW}","mimeType":"text/plain"}}`),
    invalid('Legacy blobs are not allowed (CID)'),
  ],
  [
    'a blob of the old form, unchecked',
    createUnchecked(`{"a":{"cid":"${RAW}","mimeType":"text/plain"}}`),
    invalid('Legacy blobs are not allowed (CID)'),
  ],
  [
    'a blob of the old form, of a record',
    create(`{"a":{"cid":"${CBOR}","mimeType":"text/plain"}}`),
    invalid('Legacy blobs are not allowed (CID)'),
    crash,
  ],
  [
    'a blob by a CID of version 0, which is none in this protocol',
    create(`{"a":{"$type":"blob","ref":{"$link":"${V0}"},"mimeType":"text/plain","size":0}}`),
    wrote('com.example.thing/TID', 'unknown'),
    no(400, 'BlobNotFound', `Could not find blob: ${V0}`),
  ],
  [
    'an image that nobody uploaded',
    create(
      `{"text":"x","createdAt":"2026-11-21T00:00:00Z","embed":{"$type":"app.bsky.embed.images","images":[{"alt":"","image":{"$type":"blob","ref":{"$link":"${RAW}"},"mimeType":"image/png","size":0}}]}}`,
      POST,
    ),
    no(400, 'BlobNotFound', 'Could not find blob: CID'),
  ],
  ['a record of 900 kB', create(`{"a":"${'x'.repeat(900_000)}"}`), wrote('com.example.thing/TID', 'unknown')],
  [
    'a record in a body of 1,000,000 bytes',
    createInBytes(1_000_000),
    wrote('com.example.thing/TID', 'unknown'),
  ],
  ['a body of 1,000,001 bytes', createInBytes(1_000_001), tooLarge],
  [
    'a record of 1.4 MB',
    create(`{"a":[${'1e15,'.repeat(160_000)}0]}`),
    invalid('record.a has more than 131072 items'),
    crash,
  ],
  [
    'a record of 1.1 MB',
    create(`{"a":[${'1e15,'.repeat(120_000)}0]}`),
    invalid('a record takes at most 1048576 bytes'),
    wrote('com.example.thing/TID', 'unknown'),
  ],
  [
    'a list of 200,000 items',
    create(`{"a":[${'1,'.repeat(200_000)}0]}`),
    invalid('record.a has more than 131072 items'),
    crash,
  ],
  [
    'a key of 9000 bytes',
    create(`{"${'k'.repeat(9000)}":0}`),
    invalid('record has a key longer than 8192 bytes'),
    wrote('com.example.thing/TID', 'unknown'),
  ],
]

calls('com.atproto.repo.createRecord', limits)
