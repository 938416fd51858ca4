//! Values of single fields: what an ordinary caller would write there, and what nobody should.

use crate::desks::UnderAttack;
use guichet_test_support::mutate::Dice;

/// 2026-11-01T00:00:00Z.
const RECENTLY: i64 = 1_793_491_200_000;
const DAY_MS: i64 = 86_400_000;

/// Where types and rules end.
const SIGNED: &[i64] = &[
    0,
    1,
    -1,
    i64::MIN,
    i64::MIN + 1,
    i64::MAX,
    i64::MAX - 1,
    1 << 53,
    (1 << 53) + 1,
    -(1 << 53) - 1,
    -62_135_596_800_000,
    -62_167_219_200_001,
    253_402_300_799_999,
    253_402_300_800_000,
    7_258_118_400_000,
    7_258_118_400_001,
    8_640_000_000_000_000,
];
const UNSIGNED: &[u64] =
    &[0, 1, 2, 255, 256, 1000, 1001, u64::MAX, u64::MAX - 1, 1 << 53, (1 << 53) + 1, 1 << 32, 1 << 63];
const SHORT: &[u32] =
    &[0, 1, 2, 4, 5, 100, 101, 1000, 1001, 365, 366, i32::MAX.unsigned_abs(), u32::MAX, u32::MAX - 1];

const TEXTS: &[&str] = &[
    "",
    " ",
    "\0",
    "a\0b",
    "\r\n",
    "\t=1+1",
    "=HYPERLINK(\"http://x\")",
    "<script>alert(1)</script>",
    "\u{202e}gnp.exe",
    "e\u{301}\u{301}\u{301}\u{301}",
    "🖨️🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "\u{feff}",
    "../../../etc/passwd",
    "$JS.API.STREAM.PURGE.GUICHET_EVENTS_0",
    "guichet.v1.evt.default.0.TicketCreated",
    "*",
    ">",
    "default",
    "_system",
    "T-0",
    "T-18446744073709551615",
    "T-99999999999999999999",
    "t-1",
    "18446744073709551616",
    "-1",
    "NaN",
    "1e400",
    "null",
    "{}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "İıſK",
    "ﷺﷺﷺﷺﷺﷺﷺﷺ",
];
/// Lengths at which a rule ends, or a buffer.
const LENGTHS: &[usize] = &[64, 65, 128, 129, 200, 201, 300, 301, 4096, 4097, 8193];
const LONG: &[usize] = &[49_152, 49_153, 61_440, 200_000];

/// How wild a message is: of so many values one is what nobody should write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wild(pub(crate) usize);

impl Wild {
    /// Most messages are nearly right: what is refused at its first field reaches nothing.
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        Self(*dice.pick(&[usize::MAX, 100, 30, 12, 12, 5, 2]))
    }

    pub(crate) fn now(self, dice: &mut Dice) -> bool {
        dice.once_in(self.0)
    }
}

/// A text for a field of this name.
pub(crate) fn text(field: &str, wild: Wild, dice: &mut Dice) -> String {
    if wild.now(dice) {
        return wild_text(dice);
    }
    let n = dice.below(6);
    match field {
        "subject" => format!("Printer {} does not print", dice.below(1000)),
        "description" | "body" | "plain" => "It hums and blinks. ".repeat(1 + dice.below(20)),
        "group" | "from_group" | "to_group" => (*dice.pick(&["network", "hardware", "desk 2nd"])).to_owned(),
        "tags" | "add" | "remove" | "added" | "removed" | "tag" | "tags_at" => {
            format!("tag-{}", dice.below(9))
        }
        "category" | "category_at" => {
            (*dice.pick(&["technical/network", "technical", "billing/refund"])).to_owned()
        }
        "number" => format!("T-{}", 1 + dice.below(80)),
        "product" => format!("product-{}", dice.below(400)),
        "zone" => (*dice.pick(&["UTC", "Europe/Paris", "Pacific/Apia", "America/Sao_Paulo"])).to_owned(),
        "from" | "to" => date(dice),
        "type" => (*dice.pick(&["TicketCreated", "CommentAdded", "StatusChanged"])).to_owned(),
        "cursor" => cursor(dice),
        "source" => "old-desk".to_owned(),
        "external_id" | "ref" => format!("X-{}", dice.below(200)),
        "policy" => "standard-contract".to_owned(),
        "rule" | "id" if n == 0 => "remind".to_owned(),
        "text" => (*dice.pick(&["print", "a", "Printer 7", "zzz"])).to_owned(),
        "email" => "ana@example.org".to_owned(),
        "calendar" => "desk".to_owned(),
        "media_type" => "image/png".to_owned(),
        _ => format!("{field}-{n}"),
    }
}

fn wild_text(dice: &mut Dice) -> String {
    let length = if dice.once_in(40) { *dice.pick(LONG) } else { *dice.pick(LENGTHS) };
    match dice.below(4) {
        0 => "x".repeat(length),
        1 => "é".repeat(length / 2),
        _ => (*dice.pick(TEXTS)).to_owned(),
    }
}

fn date(dice: &mut Dice) -> String {
    match dice.below(8) {
        0 => (*dice.pick(&[
            "0000-01-01",
            "0001-01-01",
            "1969-12-31",
            "9999-12-31",
            "2200-01-01",
            "+262142-12-31",
            "-262143-01-01",
            "2026-02-30",
            "2026-W11",
            "2016-12-31T23:59:60Z",
        ]))
        .to_owned(),
        1 => format!("{:04}-01-01", 1970 + dice.below(230)),
        _ => format!("2026-{:02}-{:02}", 1 + dice.below(12), 1 + dice.below(28)),
    }
}

fn cursor(dice: &mut Dice) -> String {
    match dice.below(6) {
        0 => dice.roll().to_string(),
        1 => format!("q.{}.{}", dice.roll(), dice.roll()),
        2 => format!("q.{}", i64::MIN),
        3 => dice.below(100).to_string(),
        4 => dice.bytes(24).iter().map(|b| format!("{b:02x}")).collect(),
        _ => format!("{}.{}.{}", dice.below(100), u64::MAX, dice.below(9)),
    }
}

/// An instant, a duration, or another number with a sign.
pub(crate) fn signed(wild: Wild, dice: &mut Dice) -> i64 {
    if wild.now(dice) {
        return *dice.pick(SIGNED);
    }
    RECENTLY
        + DAY_MS * i64::try_from(dice.below(25)).expect("small")
        + i64::try_from(dice.below(86_400_000)).expect("small")
}

/// A position, a version, a number of milliseconds.
pub(crate) fn unsigned(field: &str, wild: Wild, dice: &mut Dice) -> u64 {
    if wild.now(dice) {
        return *dice.pick(UNSIGNED);
    }
    match field {
        "wait_ms" => *dice.pick(&[0, 1, 20]),
        "expected_version" => 1 + dice.below(4) as u64,
        _ => dice.below(300) as u64,
    }
}

/// A tier, a limit, a share.
pub(crate) fn short(field: &str, wild: Wild, dice: &mut Dice) -> u32 {
    if wild.now(dice) {
        return *dice.pick(SHORT);
    }
    let below = match field {
        "limit" => 200,
        "part" | "parts" => 1,
        "window_days" => 30,
        "pct" => 100,
        _ => 4,
    };
    1 + u32::try_from(dice.below(below)).expect("small")
}

/// An identifier, a hash or a key.
pub(crate) fn bytes(field: &str, wild: Wild, desk: &UnderAttack, dice: &mut Dice) -> Vec<u8> {
    if wild.now(dice) {
        let len = *dice.pick(&[0, 1, 15, 17, 31, 33, 5000]);
        return dice.bytes(len);
    }
    match field {
        "attachments" | "sha256" => dice.bytes(32),
        "ticket_id" | "of" | "in_reply_to" => desk.ticket(dice).as_bytes().to_vec(),
        _ => dice.uuid().as_bytes().to_vec(),
    }
}
