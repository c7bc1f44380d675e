//! Sorted collections in one piece of memory: a set, a map, and a line of waiting things. They take the place of trees everywhere.
//!
//! They keep their memory when they become empty, where a tree allocates a node for every first element; a search touches nothing
//! but keys; and each use of one adds a fraction of a tree's code to the artifact every visitor downloads. Inserting anywhere but
//! at the end moves what lies behind: right for what is looked up often, small, or grows in order.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::fmt;
use std::iter::Zip;
use std::marker::PhantomData;
use std::ops::{Deref, Index};
use std::slice;
use std::vec;

/// Puts a list in order, equal elements as they stood. For lists that are short or nearly in order: it walks each element down to
/// its place, where a general sort brings several kilobytes of code for every type it is used with.
pub fn settle<T>(list: &mut [T], mut before: impl FnMut(&T, &T) -> bool) {
    for i in 1..list.len() {
        let mut place = i;
        while place > 0 && before(&list[place], &list[place - 1]) {
            list.swap(place, place - 1);
            place -= 1;
        }
    }
}

/// So many places beside a guessed one are looked at before all are: what stands together in memory.
const REACH: usize = 4;

/// Takes an element out. The last one leaves without a word to those behind it: in wasm even a move of nothing is a call.
fn take_out<T>(list: &mut Vec<T>, place: usize) -> Option<T> {
    if place + 1 == list.len() { list.pop() } else { Some(list.remove(place)) }
}

/// A set, in order; reads as a slice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SortedSet<T> {
    elements: Vec<T>,
}

impl<T> Default for SortedSet<T> {
    fn default() -> Self {
        SortedSet { elements: Vec::new() }
    }
}

impl<T: Ord> SortedSet<T> {
    pub fn new() -> Self {
        SortedSet::default()
    }

    /// True when it was not there.
    pub fn insert(&mut self, element: T) -> bool {
        let place = match self.elements.last() {
            Some(last) if *last >= element => self.elements.binary_search(&element),
            _ => Err(self.elements.len()),
        };
        if let Err(place) = place {
            self.elements.insert(place, element);
        }
        place.is_err()
    }

    /// True when it was there.
    pub fn remove<Q: Ord + ?Sized>(&mut self, element: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        let place = self.elements.binary_search_by(|other| other.borrow().cmp(element));
        if let Ok(place) = place {
            take_out(&mut self.elements, place);
        }
        place.is_ok()
    }

    pub fn contains<Q: Ord + ?Sized>(&self, element: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.elements.binary_search_by(|other| other.borrow().cmp(element)).is_ok()
    }

    pub fn pop_first(&mut self) -> Option<T> {
        (!self.elements.is_empty()).then(|| take_out(&mut self.elements, 0))?
    }

    /// Keeps those for which `keep` is true; asks in order.
    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.elements.retain(keep);
    }

    pub fn clear(&mut self) {
        self.elements.clear();
    }
}

impl<T> Deref for SortedSet<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.elements
    }
}

impl<T: Ord> Extend<T> for SortedSet<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        for element in elements {
            self.insert(element);
        }
    }
}

impl<T: Ord> FromIterator<T> for SortedSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut set = SortedSet::default();
        set.extend(elements);
        set
    }
}

impl<T: Ord, const N: usize> From<[T; N]> for SortedSet<T> {
    fn from(elements: [T; N]) -> Self {
        elements.into_iter().collect()
    }
}

impl<T> IntoIterator for SortedSet<T> {
    type Item = T;
    type IntoIter = vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.elements.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a SortedSet<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.elements.iter()
    }
}

/// A map, in the order of its keys; new keys are best greater than all before.
#[derive(Clone, PartialEq, Eq)]
pub struct SortedMap<K, V> {
    keys: Vec<K>,
    values: Vec<V>,
}

/// The place of a key, taken or free.
pub struct Entry<'a, K, V> {
    map: &'a mut SortedMap<K, V>,
    key: K,
}

pub type Iter<'a, K, V> = Zip<slice::Iter<'a, K>, slice::Iter<'a, V>>;
pub type IterMut<'a, K, V> = Zip<slice::Iter<'a, K>, slice::IterMut<'a, V>>;

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        SortedMap { keys: Vec::new(), values: Vec::new() }
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    pub fn new() -> Self {
        SortedMap::default()
    }

    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.keys.binary_search_by(|other| other.borrow().cmp(key))
    }

    /// Where a key is or goes; the end is tried first, since most maps grow there.
    fn place_to_insert(&self, key: &K) -> Result<usize, usize> {
        match self.keys.last().map(|last| last.cmp(key)) {
            Some(Ordering::Greater) => self.place(key),
            Some(Ordering::Equal) => Ok(self.keys.len() - 1),
            _ => Err(self.keys.len()),
        }
    }

    /// Gives what was there before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place_to_insert(&key) {
            Ok(place) => Some(std::mem::replace(&mut self.values[place], value)),
            Err(place) => {
                self.keys.insert(place, key);
                self.values.insert(place, value);
                None
            }
        }
    }

    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key).ok()?;
        take_out(&mut self.keys, place);
        take_out(&mut self.values, place)
    }

    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key).ok()?;
        self.values.get(place)
    }

    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key).ok()?;
        self.values.get_mut(place)
    }

    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.place(key).is_ok()
    }

    /// As [`get_mut`](SortedMap::get_mut), by somebody who can tell where it probably stands.
    #[inline]
    pub fn get_mut_near(&mut self, place: usize, key: &K) -> Option<&mut V> {
        let place = self.place_near(place, key)?;
        self.values.get_mut(place)
    }

    /// As [`get`](SortedMap::get), likewise.
    #[inline]
    pub fn get_near(&self, place: usize, key: &K) -> Option<&V> {
        let place = self.place_near(place, key)?;
        self.values.get(place)
    }

    #[inline]
    fn place_near(&self, place: usize, key: &K) -> Option<usize> {
        if self.keys.get(place) == Some(key) { Some(place) } else { self.place_around(place, key) }
    }

    /// A guess may be a few places wrong.
    #[cold]
    #[inline(never)]
    fn place_around(&self, place: usize, key: &K) -> Option<usize> {
        let from = place.saturating_sub(REACH).min(self.keys.len());
        let around = &self.keys[from..place.saturating_add(REACH).min(self.keys.len())];
        match around.binary_search(key) {
            Ok(further) => Some(from + further),
            Err(further) if further > 0 && further < around.len() => None,
            Err(_) => self.place(key).ok(),
        }
    }

    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        Entry { map: self, key }
    }

    pub fn get_or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        let place = self.place_to_insert(&key).unwrap_or_else(|place| {
            self.keys.insert(place, key);
            self.values.insert(place, value());
            place
        });
        &mut self.values[place]
    }

    pub fn pop_first(&mut self) -> Option<(K, V)> {
        (!self.keys.is_empty()).then(|| (self.keys.remove(0), self.values.remove(0)))
    }

    /// Keeps those for which `keep` is true; asks in order.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        for (key, mut value) in std::mem::take(self) {
            if keep(&key, &mut value) {
                self.keys.push(key);
                self.values.push(value);
            }
        }
    }

    pub fn clear(&mut self) {
        self.keys.clear();
        self.values.clear();
    }
}

impl<K, V> SortedMap<K, V> {
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub fn iter(&self) -> Iter<'_, K, V> {
        self.keys.iter().zip(self.values.iter())
    }

    pub fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        self.keys.iter().zip(self.values.iter_mut())
    }

    pub fn keys(&self) -> slice::Iter<'_, K> {
        self.keys.iter()
    }

    pub fn values(&self) -> slice::Iter<'_, V> {
        self.values.iter()
    }

    pub fn values_mut(&mut self) -> slice::IterMut<'_, V> {
        self.values.iter_mut()
    }

    pub fn into_values(self) -> vec::IntoIter<V> {
        self.values.into_iter()
    }

    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.keys.first().zip(self.values.first())
    }

    pub fn last_key_value(&self) -> Option<(&K, &V)> {
        self.keys.last().zip(self.values.last())
    }
}

impl<'a, K: Ord, V> Entry<'a, K, V> {
    pub fn or_insert_with(self, value: impl FnOnce() -> V) -> &'a mut V {
        self.map.get_or_insert_with(self.key, value)
    }

    pub fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with(|| value)
    }

    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SortedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<K: Ord + Borrow<Q>, Q: Ord + ?Sized, V> Index<&Q> for SortedMap<K, V> {
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("the key is there")
    }
}

impl<K: Ord, V> Extend<(K, V)> for SortedMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = SortedMap::default();
        map.extend(entries);
        map
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for SortedMap<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<K, V> IntoIterator for SortedMap<K, V> {
    type Item = (K, V);
    type IntoIter = Zip<vec::IntoIter<K>, vec::IntoIter<V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.keys.into_iter().zip(self.values)
    }
}

impl<'a, K, V> IntoIterator for &'a SortedMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, K, V> IntoIterator for &'a mut SortedMap<K, V> {
    type Item = (&'a K, &'a mut V);
    type IntoIter = IterMut<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<K: Serialize, V: Serialize> Serialize for SortedMap<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for SortedMap<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

struct Entries<K, V>(PhantomData<(K, V)>);

impl<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for Entries<K, V> {
    type Value = SortedMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut map = SortedMap::default();
        while let Some((key, value)) = entries.next_entry()? {
            map.insert(key, value);
        }
        Ok(map)
    }
}

/// Things that wait under rising keys and mostly leave from the front.
///
/// One that leaves from the middle leaves a gap behind; gaps go when they reach the front or make up most of the line.
#[derive(Clone, Debug)]
pub(crate) struct Line<K, V> {
    /// Begins with something that waits.
    places: VecDeque<(K, Option<V>)>,
    waiting: u32,
}

/// Fewer places than this are not worth closing the gaps.
const SHORT_LINE: usize = 64;

impl<K, V> Default for Line<K, V> {
    fn default() -> Self {
        Line { places: VecDeque::new(), waiting: 0 }
    }
}

impl<K: Ord, V> Line<K, V> {
    /// At its place among the keys; no key comes twice.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.waiting += 1;
        match self.places.back() {
            Some((last, _)) if *last > key => {
                let place = self.places.partition_point(|(other, _)| *other < key);
                self.places.insert(place, (key, Some(value)));
            }
            _ => self.places.push_back((key, Some(value))),
        }
    }

    fn place(&self, key: &K) -> Option<usize> {
        // Most leave from the front.
        if self.first() == Some(key) {
            return Some(0);
        }
        self.places.binary_search_by(|(other, _)| other.cmp(key)).ok()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.places[self.place(key)?].1.as_ref()
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.remove_if(key, |_| true)
    }

    /// Changes what waits there, and takes it out if it says so.
    pub(crate) fn remove_if(&mut self, key: &K, goes: impl FnOnce(&mut V) -> bool) -> Option<V> {
        let place = self.place(key)?;
        let value = self.places[place].1.take_if(goes)?;
        self.waiting -= 1;
        while self.places.pop_front_if(|(_, value)| value.is_none()).is_some() {}
        if self.places.len() > SHORT_LINE.max(2 * self.waiting as usize) {
            self.places.retain(|(_, value)| value.is_some());
        }
        Some(value)
    }

    pub(crate) fn first(&self) -> Option<&K> {
        self.places.front().map(|(key, _)| key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.places.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_in_order_and_once() {
        let mut set = SortedSet::default();
        for element in [3, 1, 2, 3] {
            set.insert(element);
        }
        set.remove(&2);
        assert_eq!(*set, [1, 3]);
        assert_eq!((set.pop_first(), set.pop_first(), set.pop_first()), (Some(1), Some(3), None));
    }

    #[test]
    fn what_is_there_is_found_from_any_guess_and_nothing_else_is() {
        let mut map: SortedMap<u32, u32> = (0..40).map(|key| (3 * key, key)).collect();
        for guess in (0..50).chain([usize::MAX - 1, usize::MAX]) {
            for key in 0..130 {
                let known = map.get(&key).copied();
                assert_eq!(
                    (map.get_near(guess, &key).copied(), map.get_mut_near(guess, &key).copied()),
                    (known, known),
                    "{key} from {guess}"
                );
            }
        }
    }

    #[test]
    fn a_list_settles_and_equals_keep_their_order() {
        let mut list = [(2, 'a'), (1, 'b'), (2, 'c'), (0, 'd'), (1, 'e')];
        settle(&mut list, |a, b| a.0 < b.0);
        assert_eq!(list, [(0, 'd'), (1, 'b'), (1, 'e'), (2, 'a'), (2, 'c')]);
    }

    #[test]
    fn a_line_forgets_who_left_wherever_they_stood() {
        let mut line = Line::default();
        for key in (0..200_u32).rev() {
            line.insert(key, key * 10);
        }
        for key in (0..200).filter(|key| key % 3 != 0).rev() {
            assert_eq!((line.remove(&key), line.remove(&key), line.get(&key)), (Some(key * 10), None, None));
        }
        assert_eq!(line.iter().count(), 67);
        assert!(line.places.len() <= 2 * 67, "{} places", line.places.len());
        line.remove(&0);
        assert_eq!(line.first(), Some(&3));
        assert_eq!((line.remove_if(&3, |value| *value > 30), line.get(&3)), (None, Some(&30)));
    }

    #[test]
    fn a_map_gives_what_was_first_put_there() {
        let mut map = SortedMap::default();
        for key in [2, 1, 2] {
            map.get_or_insert_with(key, || key * 10);
        }
        assert_eq!(map.iter().collect::<Vec<_>>(), [(&1, &10), (&2, &20)]);
        assert_eq!((map.get(&3), map.len()), (None, 2));
        assert_eq!(map.get_mut(&2), Some(&mut 20));
    }
}
