//! The pages, as far as they are text; `tests/end_to_end/browser.rs` looks at them in a browser.

use crate::desk::{Desk, HOSTILE};

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
