//! Icons drawn here: a few strokes in a 20 × 20 box, always beside or under words or with a label.

use yew::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Play,
    Pause,
    Restart,
    Next,
    Back,
    Leap,
    Undo,
    Redo,
    Stage,
    Events,
    Close,
    Copy,
    Check,
    Help,
    Share,
    Book,
    Overview,
    Brokers,
    Topics,
    Groups,
    Charts,
    Terminal,
    Plus,
    Dots,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Icon::Play => "M6 4.2v11.6L15.5 10z",
            Icon::Pause => "M5.5 4.5h3v11h-3zM11.5 4.5h3v11h-3z",
            Icon::Restart => "M15.5 10a5.5 5.5 0 1 1-1.6-3.9L16 8M16 4v4h-4",
            Icon::Next => "M15 4.5v11M4.5 4.8v10.4L12 10z",
            Icon::Back => "M5 4.5v11M15.5 4.8v10.4L8 10z",
            Icon::Leap => "M16.5 4.5v11M3 4.8v10.4L9 10zM9 4.8v10.4L15 10z",
            Icon::Undo => "M7.5 4L4 7.5L7.5 11M4.5 7.5h7a4 4 0 0 1 0 8H8",
            Icon::Redo => "M12.5 4L16 7.5L12.5 11M15.5 7.5h-7a4 4 0 0 0 0 8H12",
            Icon::Stage => "M3 5h14M3 10h14M3 15h14M7 3.5v3M12.5 8.5v3M9.5 13.5v3",
            Icon::Events => "M4 5.5h.01M4 10h.01M4 14.5h.01M7.5 5.5H17M7.5 10H17M7.5 14.5H13",
            Icon::Close => "M5 5l10 10M15 5L5 15",
            Icon::Copy => "M7 7h9v9H7zM13 7V4H4v9h3",
            Icon::Check => "M4 10.5l4 4L16 6",
            Icon::Help => "M7.5 7.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M10 14.6h.01",
            Icon::Book => "M10 5.5C8 4 5.5 4 3.5 4.5v11c2-.5 4.5-.5 6.5 1 2-1.5 4.5-1.5 6.5-1v-11C14.5 4 12 4 10 5.5zM10 5.5v11",
            Icon::Overview => "M3.5 3.5h5v5h-5zM11.5 3.5h5v5h-5zM3.5 11.5h5v5h-5zM11.5 11.5h5v5h-5z",
            Icon::Brokers => "M3.5 4h13v5h-13zM3.5 11h13v5h-13zM6.5 6.5h.01M6.5 13.5h.01",
            Icon::Topics => "M3 6h14v8H3zM6.5 6v8M10 6v8M13.5 6v8",
            Icon::Groups => "M7 9a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM2.5 16c0-6 9-6 9 0M13 9.5a2 2 0 1 0 0-4M14 12c2 .3 3.5 1.6 3.5 4",
            Icon::Charts => "M3.5 3.5v13h13M6.5 13l3-4 3 2 4-6",
            Icon::Terminal => "M4 5.5l4.5 4.5L4 14.5M10.5 14.5H16",
            Icon::Plus => "M10 4v12M4 10h12",
            Icon::Dots => "M4 10h.01M10 10h.01M16 10h.01",
            Icon::Share => "M10 12.5V3.5M6.5 6.5L10 3l3.5 3.5M5 10v6.5h10V10",
        }
    }

    fn filled(self) -> bool {
        matches!(self, Icon::Play | Icon::Pause)
    }
}

pub fn icon(icon: Icon) -> Html {
    let class = if icon.filled() { "icon icon--filled" } else { "icon" };
    html! { <svg key="icon" {class} viewBox="0 0 20 20" aria-hidden="true"><path d={icon.path()} /></svg> }
}

/// The mark: a strip of three records and the bar they have reached.
pub fn mark() -> Html {
    html! {
        <svg key="mark" class="mark" viewBox="0 0 34 22" aria-hidden="true">
            <rect class="mark__cell" x="1.5" y="4.5" width="7.5" height="13" rx="2" />
            <rect class="mark__cell" x="11" y="4.5" width="7.5" height="13" rx="2" />
            <rect class="mark__now" x="20.5" y="4.5" width="7.5" height="13" rx="2" />
            <path class="mark__bar" d="M31.5 1v20" />
        </svg>
    }
}
