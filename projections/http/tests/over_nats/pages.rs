//! The pages, as far as they are text; `tests/end_to_end/browser.rs` looks at them in a browser.

use crate::desk::{Desk, HOSTILE, LONG, OLD_ID, OLD_NUMBER, VERSIONS};

#[tokio::test]
async fn the_printed_link_lets_a_browser_in_once_and_for_all() {
    let Some(desk) = Desk::start().await else { return };
    let link = desk.http.link();
    let path = link.strip_prefix(&desk.http.url()).unwrap();
    let entered = desk.send("GET", path, &[]).await;
    assert_eq!((entered.status, entered.header("location")), (303, Some("/")));
    let cookie = entered.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let inside = desk.send("GET", "/desk/default/", &[("Cookie", cookie)]).await;
    assert_eq!(inside.status, 200, "{}", inside.body);
    assert!(!inside.body.contains(&"ab".repeat(32)), "the token stands in the page");
}

#[tokio::test]
async fn without_the_token_there_is_a_door_and_nothing_behind_it() {
    let Some(desk) = Desk::start().await else { return };
    for path in ["/", "/desk/default/", "/desk/default/tiles/board", "/?token=wrong", "/desk/default/?token="]
    {
        let door = desk.send("GET", path, &[("Accept-Language", "fr")]).await;
        assert_eq!((door.status, door.header("set-cookie")), (401, None), "{path}");
        assert!(door.body.contains("Il faut une clé"), "{path}");
    }
    let tile = desk.send("GET", "/desk/default/tiles/board", &[("HX-Request", "true")]).await;
    assert_eq!((tile.status, tile.header("hx-refresh")), (401, Some("true")));
}

#[tokio::test]
async fn both_languages_are_spoken_and_the_choice_is_kept() {
    let Some(desk) = Desk::start().await else { return };
    for (language, lang, word) in [("en", "en", "Queues"), ("fr-FR", "fr", "Files d’attente")] {
        let page = desk.page("/desk/default/", language).await;
        assert!(
            page.body.contains(&format!("<html lang=\"{lang}\">")) && page.body.contains(word),
            "{lang}: {} {}",
            page.status,
            page.body
        );
    }
    let chosen = desk.page("/desk/default/?by=agent&lang=fr", "en").await;
    assert_eq!((chosen.status, chosen.header("location")), (303, Some("/desk/default/?by=agent")));
    let cookie =
        format!("{}; {}", desk.cookie(), chosen.header("set-cookie").unwrap().split(';').next().unwrap());
    let page = desk.send("GET", "/desk/default/", &[("Cookie", &cookie), ("Accept-Language", "en")]).await;
    assert!(page.body.contains("<html lang=\"fr\">"));
}

#[tokio::test]
async fn what_waits_for_a_person_says_so_on_the_board_and_in_its_queue() {
    let Some(desk) = Desk::start().await else { return };
    for (language, board, queue) in [
        ("en", "2 held: a person decides", "Reopening held since"),
        ("fr", "2 en attente d’une décision", "Réouverture retenue depuis"),
    ] {
        let page = desk.page("/desk/default/", language).await;
        // In its row, and in the sum of all.
        assert_eq!(page.body.matches(board).count(), 2, "{}", page.body);
        let page = desk.page("/desk/default/queue", language).await;
        assert!(page.body.contains(queue) && page.body.contains("2026-02-23T"), "{}", page.body);
    }
}

#[tokio::test]
async fn what_people_wrote_is_shown_as_text() {
    let Some(desk) = Desk::start().await else { return };
    for path in ["/desk/default/", "/desk/default/queue?order=priority", "/desk/default/tickets/T-9"] {
        let page = desk.page(path, "en").await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        assert!(!page.body.contains(HOSTILE) && !page.body.contains("<script>alert"), "{path}");
        assert!(page.body.contains("alert("), "{path} shows it at all");
        // The policy forbids them, so a page that needed one would be broken.
        assert!(!page.body.contains(" style=") && !page.body.contains(" onclick="), "{path}");
    }
}

#[tokio::test]
async fn a_tile_says_as_of_when_it_is_and_what_it_cannot_show() {
    let Some(desk) = Desk::start().await else { return };
    let board = desk.page("/desk/default/tiles/board", "fr").await.body;
    assert!(board.contains("1\u{202f}234") && board.contains("Sans groupe") && board.contains("1 en retard"));
    assert!(board.contains("à la position 5") && board.contains("à jour"), "{board}");
    assert!(board.contains("queue?group=%3Cscript%3E"), "{board}");
    let page = desk.page("/desk/default/", "en").await.body;
    assert!(page.contains("This build cannot answer this yet."), "{page}");
    // The whole page follows the tenant, so now it is known that the tile is behind.
    assert!(page.contains("2 events behind"), "{page}");
    let queue = desk.page("/desk/default/queue?group=a%20b", "en").await.body;
    assert!(
        queue.contains("Queue of a b") && queue.contains("2.0 × 10<") && queue.contains("51.5"),
        "{queue}"
    );
}

#[tokio::test]
async fn what_is_not_there_is_a_page_too() {
    let Some(desk) = Desk::start().await else { return };
    for (path, status) in [("/desk/no.token/", 400), ("/nowhere", 404)] {
        assert_eq!(desk.page(path, "en").await.status, status, "{path}");
    }
    let found = desk.page("/desk/default/tickets?number=9", "en").await;
    assert_eq!((found.status, found.header("location")), (303, Some("/desk/default/tickets/T-9")));
}

#[tokio::test]
async fn a_ticket_is_found_by_the_id_that_it_had_elsewhere() {
    let Some(desk) = Desk::start().await else { return };
    let typed = OLD_ID.replace(' ', "%20").replace('/', "%2F").replace('é', "%C3%A9");
    let found = desk.page(&format!("/desk/default/tickets?number={typed}"), "en").await;
    assert_eq!((found.status, found.header("location")), (303, Some("/desk/default/tickets/T-9")));
    let by_address = desk.page(&format!("/desk/default/tickets/{typed}"), "en").await;
    assert_eq!(by_address.status, 200, "{}", by_address.body);
    // Two desks gave this number, and it may be that of a ticket here.
    let several = desk.page(&format!("/desk/default/tickets?number={OLD_NUMBER}"), "fr").await;
    assert_eq!(several.status, 200);
    for part in ["tickets/T-12\"", "tickets/T-3\"", "(zammad)", "tickets/T-9\"", "plusieurs tickets"] {
        assert!(several.body.contains(part), "{part} is not in {}", several.body);
    }
    assert!(!several.body.contains(HOSTILE));
}

#[tokio::test]
async fn a_browser_keeps_the_assets_for_ever() {
    let Some(desk) = Desk::start().await else { return };
    let page = desk.page("/desk/default/", "en").await.body;
    let assets: Vec<_> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(assets.len() >= 6, "{assets:?}");
    for asset in assets {
        let sent = desk.send("GET", asset, &[]).await;
        assert_eq!(sent.status, 200, "{asset}");
        assert!(sent.header("cache-control").unwrap().contains("immutable"), "{asset}");
        let again = desk.send("GET", asset, &[("If-None-Match", sent.header("etag").unwrap())]).await;
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{asset}");
    }
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
}

#[tokio::test]
async fn a_long_history_is_read_page_by_page_and_none_of_them_is_large() {
    let Some(desk) = Desk::start().await else { return };
    let mut address = format!("/desk/default/tickets/{LONG}");
    let mut seen = Vec::new();
    let mut way_back = Vec::new();
    loop {
        let page = desk.page(&address, "en").await;
        assert_eq!(page.status, 200, "{address}: {}", page.body);
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert!(page.body.len() < 700_000, "{address}: {} bytes", page.body.len());
        let positions = page.body.split("id=\"e-").skip(1).map(|rest| rest.split('"').next().unwrap());
        seen.extend(positions.map(|position| position.parse::<u64>().unwrap() - 3));
        // The tile that is swapped in shows the same part.
        let (_, part) = address.split_once(LONG).unwrap();
        assert!(page.body.contains(&format!("/tiles/ticket/{LONG}{part}\"")), "{address}");
        way_back.push(link(&page.body, "page-newer").or(link(&page.body, "page-newest")));
        match link(&page.body, "page-older") {
            Some(older) => address = older.replace("T-9", LONG),
            None => break,
        }
    }
    assert_eq!(seen, (1..=VERSIONS).rev().collect::<Vec<_>>(), "each once, the newest first");
    assert_eq!(way_back.remove(0), None);
    assert!(way_back.iter().all(Option::is_some), "every other page leads back: {way_back:?}");
    let short = desk.page("/desk/default/tickets/T-9", "en").await.body;
    assert!(!short.contains("page-older") && !short.contains("history-shown"), "one page needs no way");
}

/// Where a link of the page leads.
fn link(page: &str, id: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("id=\"{id}\" href=\""))?;
    Some(rest.split('"').next()?.to_owned())
}

#[tokio::test]
async fn many_open_pages_ask_one_question() {
    let Some(desk) = Desk::start().await else { return };
    desk.holds.send_replace(true);
    let tiles = (0..12).map(|_| desk.page("/desk/default/tiles/board", "en"));
    let release = async {
        // All that are let in at a time wait for the same answer.
        while desk.tiles.load(std::sync::atomic::Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..10 {
            desk.get("/healthz").await;
        }
        desk.holds.send_replace(false);
    };
    let (tiles, ()) = tokio::join!(futures_util::future::join_all(tiles), release);
    assert!(tiles.iter().all(|tile| tile.status == 200 && tile.body == tiles[0].body));
    let asked = desk.tiles.load(std::sync::atomic::Ordering::Relaxed);
    assert!(asked <= 3, "{asked} questions for 12 tiles that are the same");
}

#[tokio::test]
async fn the_knowledge_base_is_read_in_both_languages_and_says_nothing_that_a_browser_runs() {
    let Some(desk) = Desk::start().await else { return };
    for (language, heading, gaps) in
        [("en", "Knowledge", "Solved without an article"), ("fr", "Connaissances", "Résolus sans article")]
    {
        let page = desk.page("/desk/default/knowledge?text=drum", language).await;
        assert_eq!(page.status, 200, "{}", page.body);
        for part in [heading, gaps, "tickets/T-9\"", "value=\"drum\""] {
            assert!(page.body.contains(part), "{part} is not in {}", page.body);
        }
        assert!(!page.body.contains(HOSTILE));
    }
    let article = desk.page("/desk/default/articles/kb-1", "en").await;
    assert_eq!(article.status, 200, "{}", article.body);
    assert!(!article.body.contains(HOSTILE) && article.body.contains("Tickets helped"), "{}", article.body);
    let ticket = desk.page("/desk/default/tickets/T-9", "fr").await;
    assert!(ticket.body.contains("Articles qui peuvent aider"), "{}", ticket.body);
    assert!(!ticket.body.contains(HOSTILE));
}
