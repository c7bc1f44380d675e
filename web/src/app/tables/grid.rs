//! A table as admin tools have it: sorted by a click on a head, filtered by a text, paged. Only the rows of a page are ever made.

use crate::app::page::{Click, PageHandle};
use crate::app::tables::desk::{Desk, DeskAct, Reading};
use crate::app::tables::{act, typed};
use crate::app::words;
use yew::prelude::*;

/// Rows of a page.
pub const ROWS: usize = 50;

/// What stands in a cell, and by what it is sorted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    pub text: AttrValue,
    pub rank: Option<u64>,
    /// Something is wrong; said by a sign too.
    pub bad: bool,
}

pub fn text(text: impl Into<AttrValue>) -> Cell {
    Cell { text: text.into(), ..Cell::default() }
}

pub fn number(n: u64) -> Cell {
    Cell { text: words::count(n).into(), rank: Some(n), bad: false }
}

pub fn maybe(n: Option<u64>) -> Cell {
    n.map_or(Cell { text: "-".into(), rank: Some(0), bad: false }, number)
}

pub fn bytes(n: u64) -> Cell {
    Cell { text: words::bytes(n).into(), rank: Some(n), bad: false }
}

pub fn ids(list: &[i32]) -> Cell {
    text(list.iter().map(i32::to_string).collect::<Vec<_>>().join(","))
}

impl Cell {
    /// Marked when something is wrong with it.
    pub fn bad(self, bad: bool) -> Cell {
        Cell { bad, ..self }
    }

    pub fn ranked(self, rank: u64) -> Cell {
        Cell { rank: Some(rank), ..self }
    }
}

/// A head: Kafka's word, and whether numbers stand below it.
pub struct Head(pub &'static str, pub bool);

pub struct Grid<'a> {
    /// Names the table: its reading is kept by it.
    pub name: &'static str,
    pub caption: &'static str,
    pub heads: &'a [Head],
    pub rows: usize,
    /// The cell of a row in a column.
    pub cell: &'a dyn Fn(usize, usize) -> Cell,
    pub key: &'a dyn Fn(usize) -> String,
    /// What a click on a row's first cell does.
    pub open: &'a dyn Fn(usize) -> Option<Click>,
    pub selected: &'a dyn Fn(usize) -> bool,
    /// What stands below a row, over all columns.
    pub below: &'a dyn Fn(usize) -> Option<Html>,
    /// Why it is empty.
    pub none: &'static str,
}

/// The rows in their order, without those the filter leaves out.
fn order(grid: &Grid<'_>, reading: &Reading) -> Vec<usize> {
    let wanted = reading.filter.to_lowercase();
    let fits = |row: &usize| {
        wanted.is_empty() || (0..grid.heads.len()).any(|column| (grid.cell)(*row, column).text.to_lowercase().contains(&wanted))
    };
    let mut rows: Vec<usize> = (0..grid.rows).filter(fits).collect();
    if let Some((column, down)) = reading.sort {
        let keyed: Vec<Cell> = (0..grid.rows).map(|row| (grid.cell)(row, column)).collect();
        rows.sort_by(|a, b| {
            let (a, b) = (&keyed[*a], &keyed[*b]);
            let order = a.rank.cmp(&b.rank).then_with(|| a.text.cmp(&b.text));
            if down { order.reverse() } else { order }
        });
    }
    rows
}

pub fn grid(page: &PageHandle, desk: &Desk, grid: &Grid<'_>) -> Html {
    let reading = desk.reading(grid.name);
    let rows = order(grid, &reading);
    let pages = rows.len().div_ceil(ROWS).max(1);
    let at = reading.page.min(pages - 1);
    let shown = &rows[at * ROWS..rows.len().min((at + 1) * ROWS)];
    let name = grid.name;
    html! {
        <div key={name} class="grid">
            <div key="bar" class="grid__bar" hidden={grid.rows < 8 && reading.filter.is_empty()}>
                <label key="filter" class="pick">
                    <span>{ "Filter" }</span>
                    <input type="search" class="pick__text" value={reading.filter.clone()} oninput={typed(page, move |text| DeskAct::Filter(name, text))}
                        aria-label={format!("Filter {}", grid.caption)} />
                </label>
                <span key="count" class="grid__count" role="status">{ counted(rows.len(), grid.rows) }</span>
            </div>
            <div key="scroll" class="grid__scroll" tabindex="0" role="region" aria-label={grid.caption}>
                <table>
                    <caption class="visually-hidden">{ grid.caption }</caption>
                    <thead><tr>
                        { for grid.heads.iter().enumerate().map(|(column, head)| head_cell(page, desk, name, column, head, reading.sort)) }
                    </tr></thead>
                    <tbody>
                        { for shown.iter().map(|row| body_row(page, grid, *row)) }
                    </tbody>
                </table>
                <p class="grid__none" hidden={!rows.is_empty()}>{ if grid.rows == 0 { grid.none } else { "No row holds this text." } }</p>
            </div>
            { pager(page, name, at, pages) }
        </div>
    }
}

fn counted(shown: usize, all: usize) -> String {
    if shown == all {
        words::plural(all as u64, "row")
    } else {
        format!("{} of {}", words::count(shown as u64), words::plural(all as u64, "row"))
    }
}

fn head_cell(page: &PageHandle, desk: &Desk, name: &'static str, column: usize, head: &Head, sort: Option<(usize, bool)>) -> Html {
    let Head(word, number) = *head;
    let sorted = sort.filter(|(sorted, _)| *sorted == column).map(|(_, down)| down);
    let (aria, sign) = match sorted {
        None => ("none", ""),
        Some(false) => ("ascending", " ▲"),
        Some(true) => ("descending", " ▼"),
    };
    let title = desk.terms.as_ref().and_then(|terms| terms.term(word)).map(|term| term.meaning.clone());
    html! {
        <th key={column} scope="col" class={number.then_some("table__number")} aria-sort={aria} {title}>
            <button type="button" class="grid__head" onclick={act(page, DeskAct::Sort(name, column))}>{ word }<span aria-hidden="true">{ sign }</span></button>
        </th>
    }
}

fn body_row(page: &PageHandle, grid: &Grid<'_>, row: usize) -> Html {
    let selected = (grid.selected)(row);
    let cells = grid.heads.iter().enumerate().map(|(column, head)| {
        let cell = (grid.cell)(row, column);
        let class = classes!(head.1.then_some("table__number"), cell.bad.then_some("grid__bad"));
        let inner = html! { <>{ cell.bad.then_some("! ") }{ cell.text }</> };
        match (grid.open)(row).filter(|_| column == 0) {
            Some(click) => html! {
                <th key={column} scope="row" {class}><button type="button" class="grid__open" aria-pressed={words::yes(selected)} onclick={page.on(click)}>{ inner }</button></th>
            },
            None => html! { <td key={column} {class}>{ inner }</td> },
        }
    });
    let below = (grid.below)(row);
    html! {
        <>
            <tr key={(grid.key)(row)} class={selected.then_some("is-selected")}>{ for cells }</tr>
            { for below.map(|below| html! { <tr key="below" class="grid__below"><td colspan={grid.heads.len().to_string()}>{ below }</td></tr> }) }
        </>
    }
}

fn pager(page: &PageHandle, name: &'static str, at: usize, pages: usize) -> Html {
    html! {
        <div key="pages" class="grid__pages" hidden={pages < 2}>
            <button key="back" type="button" class="button button--small" disabled={at == 0} onclick={act(page, DeskAct::Page(name, at.saturating_sub(1)))}>{ "Back" }</button>
            <span key="at">{ format!("Page {} of {}", words::count(at as u64 + 1), words::count(pages as u64)) }</span>
            <button key="on" type="button" class="button button--small" disabled={at + 1 == pages} onclick={act(page, DeskAct::Page(name, at + 1))}>{ "Next" }</button>
        </div>
    }
}

/// No row is opened, chosen, or has anything below it.
pub fn plain<'a>(
    name: &'static str,
    caption: &'static str,
    heads: &'a [Head],
    rows: usize,
    cell: &'a dyn Fn(usize, usize) -> Cell,
    none: &'static str,
) -> Grid<'a> {
    Grid { name, caption, heads, rows, cell, key: &|row| row.to_string(), open: &|_| None, selected: &|_| false, below: &|_| None, none }
}
